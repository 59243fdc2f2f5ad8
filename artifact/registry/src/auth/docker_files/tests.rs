use std::fs;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tempfile::TempDir;

use oci_artifact::{Class, Classify as _};

use super::*;
use crate::auth::{Credential, Secret, helper::tests::a_helper};

fn an_environment(root: &Path) -> DockerEnvironment {
    DockerEnvironment {
        home: Some(root.join("home")),
        path: Some(root.join("bin").into()),
        ..Default::default()
    }
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A file with one entry for the host.
fn an_entry(host: &str, user: &str) -> String {
    format!(r#"{{"auths":{{"{host}":{{"auth":"{}"}}}}}}"#, BASE64_STANDARD.encode(format!("{user}:p")))
}

fn basic(username: &str) -> Credential {
    Credential::Basic { username: username.into(), password: Secret::new("p".into()) }
}

async fn ask(environment: &DockerEnvironment, repository: &str) -> Result<Lookup, FilesError> {
    DockerFiles::new(environment).credential(&Repository::parse(repository).unwrap()).await
}

#[tokio::test]
async fn files_are_asked_in_order() {
    let root = TempDir::new().unwrap();
    let at = |path: &str| root.path().join(path);
    let environment = DockerEnvironment {
        registry_auth_file: Some(at("named.json")),
        docker_config: Some(at("docker")),
        xdg_runtime_dir: Some(at("run")),
        xdg_config_home: Some(at("config")),
        ..an_environment(root.path())
    };
    let files = [
        at("named.json"),
        at("docker/config.json"),
        at("run/containers/auth.json"),
        at("config/containers/auth.json"),
    ];
    for (number, file) in files.iter().enumerate() {
        write(file, &an_entry("r.example", &number.to_string()));
    }
    // Never asked, because $DOCKER_CONFIG takes its place.
    write(&at("home/.docker/config.json"), "broken");
    for (number, file) in files.iter().enumerate() {
        let found = ask(&environment, "r.example/app").await.unwrap();
        assert_eq!(found.credential().clone(), basic(&number.to_string()));
        assert_eq!(found.found.unwrap().origin, file.display().to_string());
        fs::write(file, "{}").unwrap();
    }
    let found = ask(&environment, "r.example/app").await.unwrap();
    assert_eq!(found.credential().clone(), Credential::Anonymous);
}

#[tokio::test]
async fn files_of_the_home_are_the_default() {
    let root = TempDir::new().unwrap();
    write(&root.path().join("home/.docker/config.json"), &an_entry("a.example", "docker"));
    write(&root.path().join("home/.config/containers/auth.json"), &an_entry("b.example", "podman"));
    let environment = DockerEnvironment {
        docker_config: Some(PathBuf::new()),
        xdg_config_home: Some("relative".into()),
        ..an_environment(root.path())
    };
    assert_eq!(ask(&environment, "a.example/app").await.unwrap().credential().clone(), basic("docker"));
    assert_eq!(ask(&environment, "b.example/app").await.unwrap().credential().clone(), basic("podman"));
}

#[tokio::test]
async fn files_that_do_not_exist_mean_anonymous() {
    let root = TempDir::new().unwrap();
    let found = ask(&an_environment(root.path()), "r.example/app").await.unwrap();
    assert_eq!(found.credential().clone(), Credential::Anonymous);
    let (docker, podman) = ("home/.docker/config.json", "home/.config/containers/auth.json");
    let absent = |file: &str| format!("{}: there is no such file", root.path().join(file).display());
    assert_eq!(found.to_string(), format!("anonymous: {}; {}", absent(docker), absent(podman)));
    let nothing = ask(&DockerEnvironment::default(), "r.example/app").await.unwrap();
    assert_eq!(nothing.credential().clone(), Credential::Anonymous);
}

#[tokio::test]
async fn file_that_is_named_must_exist() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("absent.json");
    let environment =
        DockerEnvironment { registry_auth_file: Some(file.clone()), ..an_environment(root.path()) };
    let error = ask(&environment, "r.example/app").await.unwrap_err();
    let expected =
        format!("credentials file {}, named by REGISTRY_AUTH_FILE, does not exist", file.display());
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn file_that_is_broken_is_an_error() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("home/.docker/config.json");
    write(&file, "hunter2");
    let error = ask(&an_environment(root.path()), "r.example/app").await.unwrap_err();
    assert!(matches!(error, FilesError::Config(ConfigError::Json { .. })), "{error}");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let error = ask(&an_environment(root.path()), "r.example/app").await.unwrap_err();
    assert!(matches!(error, FilesError::Read { .. }), "{error}");
    fs::remove_dir(&file).unwrap();
    let large = usize::try_from(CONFIG_BYTES).unwrap() + 1;
    fs::write(&file, " ".repeat(large)).unwrap();
    let error = ask(&an_environment(root.path()), "r.example/app").await.unwrap_err();
    assert!(matches!(error, FilesError::Config(ConfigError::Large { .. })), "{error}");
}

#[tokio::test]
async fn helper_is_started_and_named() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("home/.docker/config.json");
    write(&file, r#"{"auths":{"r.example":{}},"credsStore":"fake"}"#);
    fs::create_dir(root.path().join("bin")).unwrap();
    a_helper(&root.path().join("bin"), "fake", r#"echo '{"Username":"u","Secret":"p"}'"#);
    let found = ask(&an_environment(root.path()), "r.example/app").await.unwrap();
    assert_eq!(found.credential().clone(), basic("u"));
    assert_eq!(found.found.unwrap().origin, format!("docker-credential-fake, named in {}", file.display()));
}

#[tokio::test]
async fn helper_that_has_nothing_leaves_the_next_file_its_turn() {
    let root = TempDir::new().unwrap();
    write(&root.path().join("home/.docker/config.json"), r#"{"credsStore":"fake"}"#);
    write(&root.path().join("home/.config/containers/auth.json"), &an_entry("r.example", "podman"));
    fs::create_dir(root.path().join("bin")).unwrap();
    a_helper(&root.path().join("bin"), "fake", "echo credentials not found in native keychain; exit 1");
    assert_eq!(
        ask(&an_environment(root.path()), "r.example/app").await.unwrap().credential().clone(),
        basic("podman")
    );
}

#[tokio::test]
async fn helper_that_is_missing_names_the_file_and_what_to_do() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("home/.docker/config.json");
    write(&file, r#"{"credsStore":"fake"}"#);
    let error = ask(&an_environment(root.path()), "r.example/app").await.unwrap_err();
    let expected = format!(
        "credential helper `docker-credential-fake` for r.example: not found on PATH (named in {})",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.class(), Class::Terminal);
    assert!(error.hint().unwrap().starts_with("install `docker-credential-fake`"));
}
