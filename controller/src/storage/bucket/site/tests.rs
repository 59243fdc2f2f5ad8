use super::*;

fn site(
    place: &str,
    endpoint: Option<&str>,
    region: Option<&str>,
    account: Option<&str>,
) -> Result<Site, SiteError> {
    let endpoint = endpoint.map(|endpoint| Url::parse(endpoint).unwrap());
    let variable = |name: &str| account.filter(|_| name == "AZURE_STORAGE_ACCOUNT").map(str::to_owned);
    Site::of(&place.parse().unwrap(), endpoint.as_ref(), region, variable).map(|(site, _)| site)
}

#[test]
fn site_names_files_as_each_cloud_does() {
    for (place, endpoint, region, account, expected) in [
        (
            "s3://artifacts/x",
            None,
            Some("eu-west-1"),
            None,
            "https://artifacts.s3.eu-west-1.amazonaws.com/x/",
        ),
        ("s3://a.b.c", None, Some("cn-north-1"), None, "https://s3.cn-north-1.amazonaws.com.cn/a.b.c/"),
        ("s3://artifacts", Some("http://minio:9000"), None, None, "http://minio:9000/artifacts/"),
        ("s3://artifacts", Some("https://gateway/s3/"), None, None, "https://gateway/s3/artifacts/"),
        ("gs://artifacts/x", None, None, None, "https://storage.googleapis.com/artifacts/x/"),
        ("az://artifacts", None, None, Some("flux"), "https://flux.blob.core.windows.net/artifacts/"),
        (
            "az://artifacts",
            Some("https://flux.blob.core.chinacloudapi.cn"),
            None,
            None,
            "https://flux.blob.core.chinacloudapi.cn/artifacts/",
        ),
        (
            "az://artifacts",
            Some("http://127.0.0.1:10000/flux"),
            None,
            Some("flux"),
            "http://127.0.0.1:10000/flux/artifacts/",
        ),
    ] {
        let site = site(place, endpoint, region, account).unwrap();
        let file = site.file("ocirepository/a/b/sha256:0.tar.gz");
        assert_eq!(file.as_str(), format!("{expected}ocirepository/a/b/sha256%3A0.tar.gz"));
    }
}

#[test]
fn site_needs_a_region_or_an_account() {
    assert_eq!(site("s3://artifacts", None, None, None).unwrap_err(), SiteError::Region);
    assert_eq!(site("az://artifacts", None, None, None).unwrap_err(), SiteError::Account);
    assert_eq!(site("az://artifacts", None, None, Some("a.b")).unwrap_err(), SiteError::AccountName);
}

#[test]
fn list_is_below_the_prefix() {
    let s3 = site("s3://artifacts/x", None, Some("eu-west-1"), None).unwrap();
    let url = s3.list("a/", Some("1/+="), None);
    let expected = "https://artifacts.s3.eu-west-1.amazonaws.com/?list-type=2&max-keys=1000&prefix=x%2Fa%2F&continuation-token=1%2F%2B%3D";
    assert_eq!(url.as_str(), expected);
    let azure = site("az://artifacts", None, None, Some("flux")).unwrap();
    let url = azure.list("a", Some("m"), Some(1));
    let expected = "https://flux.blob.core.windows.net/artifacts?comp=list&maxresults=1&prefix=a&restype=container&marker=m";
    assert_eq!(url.as_str(), expected);
}

#[test]
fn page_of_every_cloud_is_read() {
    let s3 = site("s3://artifacts/x", None, Some("eu-west-1"), None).unwrap();
    let body = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"urn:x\"><IsTruncated>true</IsTruncated>\
        <Contents><Key>x/a&amp;b</Key><LastModified>2026-01-01T00:00:01.000Z</LastModified><Size>7</Size></Contents>\
        <NextContinuationToken>1/+=</NextContinuationToken></ListBucketResult>";
    let listed = |key: &str, size| Listed { key: key.to_owned(), size, modified: 1_767_225_601 };
    let page = Page { files: vec![listed("a&b", 7)], next: Some("1/+=".to_owned()) };
    assert_eq!(s3.page(body.as_bytes()), Some(page));
    let azure = site("az://artifacts", None, None, Some("flux")).unwrap();
    let body = "\u{feff}<?xml version=\"1.0\"?><EnumerationResults ContainerName=\"artifacts\"><Blobs><Blob><Name>a</Name>\
        <Properties><Last-Modified>Thu, 01 Jan 2026 00:00:01 GMT</Last-Modified><Content-Length>0</Content-Length>\
        </Properties></Blob></Blobs><NextMarker /></EnumerationResults>";
    assert_eq!(azure.page(body.as_bytes()), Some(Page { files: vec![listed("a", 0)], next: None }));
    for bad in [
        "",
        "{}",
        "<html/>",
        "<ListBucketResult><Contents><Key>y/a</Key><Size>1</Size></Contents></ListBucketResult>",
    ] {
        assert_eq!(s3.page(bad.as_bytes()), None, "{bad}");
    }
}
