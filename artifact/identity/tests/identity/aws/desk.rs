//! Profiles of a person: files, roles, programs.

use std::{fs, path::Path};

use oci_identity::Environment;
use oci_testkit::{
    planted::{AWS_SECRET_KEY, AWS_WEB_IDENTITY_TOKEN, OTHER_AWS_SECRET_KEY},
    scripted::{Reply, Scripted},
};
use tempfile::{TempDir, tempdir};

use super::{
    container::keys,
    world::{HOST, KEY, KEYS, LATER, ROLE, World, a_file, assert_logged_in, environment, said},
};

/// A home directory with these files.
pub(super) fn a_home(config: &str, credentials: &str) -> TempDir {
    let home = tempdir().unwrap();
    let folder = home.path().join(".aws");
    fs::create_dir(&folder).unwrap();
    a_file(&folder, "config", config);
    a_file(&folder, "credentials", credentials);
    home
}

/// A person who lives there.
pub(super) fn desk(home: &Path, variables: &[(&str, &str)]) -> Environment {
    Environment { desk: true, home: Some(home.to_owned()), ..environment(variables) }
}

fn static_keys() -> String {
    format!("aws_access_key_id = {KEY}\naws_secret_access_key = {AWS_SECRET_KEY}\n")
}

#[tokio::test]
async fn keys_of_the_default_profile_are_found() {
    let world = World::start();
    let home = a_home("[default]\nregion = us-east-1\n", &format!("[default]\n{}", static_keys()));
    let lookup = world.log_in(desk(home.path(), &[]), HOST).await.unwrap();
    assert_logged_in(&lookup, "ECR in eu-west-1, keys of profile `default`");
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test]
async fn variables_choose_profile_and_files() {
    let (world, home) = (World::start(), a_home("garbage", "garbage"));
    let config = a_file(home.path(), "c", &format!("[profile dev]\n{}", static_keys()));
    let credentials = a_file(home.path(), "s", "[default]\nx = 1\n");
    let files = [("AWS_CONFIG_FILE", config.as_str()), ("AWS_SHARED_CREDENTIALS_FILE", &credentials)];
    for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let variables = [&files[..], &[(variable, "dev")]].concat();
        let lookup = world.log_in(desk(home.path(), &variables), HOST).await.unwrap();
        assert_logged_in(&lookup, "ECR in eu-west-1, keys of profile `dev`");
    }
    let from_home =
        [("AWS_CONFIG_FILE", "~/c"), ("AWS_SHARED_CREDENTIALS_FILE", "~/s"), ("AWS_PROFILE", "dev")];
    assert!(world.log_in(desk(home.path(), &from_home), HOST).await.is_ok());
    let text =
        said(world.log_in(desk(home.path(), &[&files[..], &[("AWS_PROFILE", "none")]].concat()), HOST).await);
    assert!(
        text.starts_with(&format!("AWS_PROFILE: there is no profile `none` in {config} and {credentials}")),
        "{text}"
    );
    assert!(text.ends_with("(`aws configure list-profiles` lists them)"), "{text}");
}

#[tokio::test]
async fn keys_in_variables_come_before_profiles() {
    let (world, home) = (World::start(), a_home("garbage", ""));
    let lookup = world.log_in(desk(home.path(), &KEYS), HOST).await.unwrap();
    assert_logged_in(&lookup, "ECR in eu-west-1, keys in AWS_ACCESS_KEY_ID");
}

#[tokio::test]
async fn controller_reads_no_profiles() {
    let (world, home) = (World::start(), a_home("garbage", &format!("[default]\n{}", static_keys())));
    let nobody = Environment { desk: false, ..desk(home.path(), &[("AWS_PROFILE", "default")]) };
    let lookup = world.log_in(nobody, HOST).await.unwrap();
    assert!(lookup.found.is_none() && !lookup.to_string().contains("profile"), "{lookup}");
}

#[tokio::test]
async fn profile_without_keys_is_passed_by() {
    let world = World::start();
    for (config, why) in [("[default]\nregion = eu-west-1\n", "it has no keys in "), ("", "not in ")] {
        let home = a_home(config, "");
        let lookup = world.log_in(desk(home.path(), &[]), HOST).await.unwrap();
        assert!(lookup.to_string().contains(&format!("; profile `default`: {why}")), "{lookup}");
    }
    let nowhere = Environment { desk: true, ..environment(&[]) };
    let lookup = world.log_in(nowhere, HOST).await.unwrap();
    assert!(lookup.to_string().contains("; profile `default`: no home directory is known;"), "{lookup}");
}

#[tokio::test]
async fn roles_are_assumed_one_by_the_other() {
    let world = World::start();
    let config = "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\nrole_session_name = me\n\
                  [profile b]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = c\nexternal_id = word & more\n\
                  duration_seconds = 900\n[profile c]\nregion = x\n";
    let home = a_home(config, &format!("[c]\n{}", static_keys()));
    let lookup = world.log_in(desk(home.path(), &[("AWS_PROFILE", "a")]), HOST).await.unwrap();
    let roles = "role arn:aws:iam::1:role/a by role arn:aws:iam::1:role/b by keys of profile `c`";
    assert_logged_in(&lookup, &format!("ECR in eu-west-1, {roles}"));
    let (sts, ecr) = ("POST sts.eu-west-1.amazonaws.com/", "POST api.ecr.eu-west-1.amazonaws.com/");
    assert_eq!(world.lines(), [sts, sts, ecr]);
    let asked = world.aws.asked();
    let has =
        |index: usize, name: &str, value: &str| asked[index].form().contains(&(name.into(), value.into()));
    assert!(has(0, "RoleArn", "arn:aws:iam::1:role/b") && has(0, "ExternalId", "word & more"));
    assert!(has(0, "DurationSeconds", "900") && has(0, "RoleSessionName", "kubectl-oci"));
    assert!(has(1, "RoleArn", "arn:aws:iam::1:role/a") && has(1, "RoleSessionName", "me"));
    let by =
        |index: usize| asked[index].header("authorization").unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(
        [by(0), by(1), by(2)],
        [KEY, "ASIAB", "ASIAA"].map(|id| format!("AWS4-HMAC-SHA256 Credential={id}"))
    );
}

#[tokio::test]
async fn role_has_its_keys_from_where_the_profile_says() {
    let (world, folder) = (World::start(), tempdir().unwrap());
    let agent = Scripted::start(|_| Reply::json(200, &keys("ASIAPOD", LATER)));
    let url = format!("http://{}/", agent.address());
    let file = a_file(folder.path(), "token", AWS_WEB_IDENTITY_TOKEN);
    for (settings, variables, origin) in [
        (
            "credential_source = EcsContainer".to_owned(),
            &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str())][..],
            format!("role {ROLE} by the container's role, by http://{}", agent.address()),
        ),
        (format!("web_identity_token_file = {file}"), &[], format!("role {ROLE} by the token in `{file}`")),
        (
            format!("source_profile = default\n{}", static_keys()),
            &[],
            format!("role {ROLE} by keys of profile `default`"),
        ),
    ] {
        let home = a_home(&format!("[default]\nrole_arn = {ROLE}\n{settings}\n"), "");
        let lookup = world.log_in(desk(home.path(), variables), HOST).await.unwrap();
        assert_logged_in(&lookup, &format!("ECR in eu-west-1, {origin}"));
    }
}

#[tokio::test]
async fn profiles_that_lead_nowhere_are_told() {
    let world = World::start();
    let chain = (0..9).map(|n| format!("[profile p{n}]\nrole_arn={ROLE}\nsource_profile=p{}\n", n + 1));
    let chain = chain.collect::<Vec<_>>().concat();
    let role = |settings: &str| format!("[default]\nrole_arn={ROLE}\n{settings}\n");
    let round = format!("{}[profile b]\nrole_arn={ROLE}\nsource_profile=default\n", role("source_profile=b"));
    for (config, wanted) in [
        (round, "its sources go round, or too far: `default` → `b` → `default`"),
        (
            format!("{}{chain}", role("source_profile=p0")),
            "its sources go round, or too far: `default` → `p0` →",
        ),
        (role("source_profile=default"), "it is its own source_profile, but has no keys"),
        (role("source_profile=none"), "its source_profile `none` is not in"),
        (role(""), "it has role_arn, but nothing that says by whose keys"),
        (
            role("source_profile=a\ncredential_source=Environment"),
            "it has both source_profile and credential_source",
        ),
        (role("credential_source=Elsewhere"), "credential_source is none of"),
        (role("credential_source=Environment"), "the source of its role has no keys: AWS_ACCESS_KEY_ID"),
        (
            role("credential_source=Ec2InstanceMetadata"),
            "the source of its role has no keys: AWS_EC2_METADATA_DISABLED is set",
        ),
        (role("credential_source=EcsContainer"), "the source of its role has no keys: neither AWS"),
        (
            format!("{}[profile b]\nregion=x\n", role("source_profile=b")),
            "the source of its role has no keys",
        ),
        (role("source_profile=default\nmfa_serial=x"), "its role needs a code of a device (mfa_serial)"),
        (
            role("source_profile=default\nduration_seconds=1"),
            "duration_seconds is no number from 900 to 43200",
        ),
        ("[default]\nrole_arn=puller\n".into(), "it is not the ARN of a role"),
        ("[default]\naws_access_key_id=a\n".into(), "it has aws_access_key_id without aws_secret_access_key"),
        (
            "[default]\naws_secret_access_key=a\n".into(),
            "it has aws_secret_access_key without aws_access_key_id",
        ),
        (
            "[default]\naws_access_key_id=a b\naws_secret_access_key=c\n".into(),
            "the access key id is empty, too long",
        ),
        ("[default]\nsso_session=s\n".into(), "sessions of a browser (`sso_session`) are not supported"),
        ("[default]\nsso_start_url=s\n".into(), "credential_process = aws configure export-credentials"),
        ("[default]\nlogin_session=s\n".into(), "sessions of a browser (`login_session`) are not supported"),
        ("[default]\ncredential_process='a\n".into(), "a quote of credential_process is not closed"),
    ] {
        let home = a_home(&config, "");
        let text = said(world.log_in(desk(home.path(), &[]), HOST).await);
        assert!(text.starts_with("profile `"), "{text}");
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn files_that_are_none_are_told_without_their_content() {
    let world = World::start();
    let garbage = format!("[default]\n{AWS_SECRET_KEY}\n");
    for (config, wanted) in [
        (garbage.into_bytes(), "line 2 is neither a section nor a setting"),
        (format!("{OTHER_AWS_SECRET_KEY}=1\n").into_bytes(), "line 1 is neither a section nor a setting"),
        (b"\xff\xfe[default]".to_vec(), "it is no text"),
        (vec![b'#'; (1 << 20) + 1], "it is larger than 1048576 bytes"),
    ] {
        let home = a_home("", "");
        let file = home.path().join(".aws/config");
        fs::write(&file, config).unwrap();
        let text = said(world.log_in(desk(home.path(), &[]), HOST).await);
        assert!(text.starts_with(&format!("file `{}`: {wanted}", file.display())), "{text}");
    }
    let home = a_home("", "");
    let folder = home.path().display().to_string();
    let text = said(world.log_in(desk(home.path(), &[("AWS_CONFIG_FILE", &folder)]), HOST).await);
    assert!(
        text.starts_with(&format!("file `{folder}`: it cannot be read: it is no regular file")),
        "{text}"
    );
}
