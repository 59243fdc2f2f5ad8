//! `login` and `logout`: what is asked of the registry, what is kept where, and what is never shown.

use std::{fs, os::unix::fs::PermissionsExt as _};

use oci_testkit::{
    planted::{IDENTITY_TOKEN, OTHER_PASSWORD, PASSWORD, READER_PASSWORD, WRONG_PASSWORD},
    registry::{Auth, Recorded, Registry},
};

use crate::sandbox::{Sandbox, Screen, shows};

const FILE: &str = "home/.docker/config.json";
const LOGIN: [&str; 5] = ["login", "URL", "-u", "tester", "--password-stdin"];
const PUSH: [&str; 7] = ["push", "artifact", "URL/app:v1", "-f", "app", "--source=s", "--revision=r"];
/// A helper that keeps one login in a file, and writes down what it is told to do.
const HELPER: &str = r#"cd "$HOME/.." && echo "$1" >> told
case "$1" in
store) cat > kept ;;
erase) cat > erased && rm kept ;;
get) cat > asked; if [ -e kept ]; then cat kept; else echo credentials not found in native keychain; exit 1; fi ;;
esac"#;

fn guarded() -> Sandbox {
    let sandbox = Sandbox::with(Registry::builder().auth(Auth::basic("tester", PASSWORD)).start());
    sandbox.sample();
    sandbox
}

/// Logs in with this on standard input.
fn login(sandbox: &Sandbox, password: &str) -> Screen {
    sandbox.run_with_input(&LOGIN, password)
}

fn config(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path(FILE)).unwrap()
}

#[test]
fn login_is_checked_and_kept_for_every_command() {
    let sandbox = guarded();
    shows(
        &login(&sandbox, &format!("{PASSWORD}\r\n")),
        "exit 0
        out: Login Succeeded
        err: ► logging in to HOST as tester
        err: ✔ the login is kept in HOME/.docker/config.json
        err: ⚠️ it is kept unencrypted: name a credential helper in `credsStore` or `credHelpers` of that file",
    );
    // base64 of tester:s3cret-pass
    let auth = "dGVzdGVyOnMzY3JldC1wYXNz";
    let host = sandbox.registry.host();
    assert_eq!(
        config(&sandbox),
        format!("{{\n\t\"auths\": {{\n\t\t\"{host}\": {{\n\t\t\t\"auth\": \"{auth}\"\n\t\t}}\n\t}}\n}}")
    );
    let mode = |path| fs::metadata(sandbox.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("home/.docker"), mode(FILE)), (0o700, 0o600));
    assert_eq!(sandbox.registry.requests().len(), 2, "unknown, then known");
    sandbox.ok(&PUSH);
    shows(&sandbox.run(&["logout", "URL"]), "exit 0\nout: Removing login credentials for HOST");
    shows(&sandbox.run(&["logout", "URL"]), "exit 0\nout: Not logged in to HOST");
    assert_eq!(config(&sandbox), "{\n\t\"auths\": {}\n}");
    sandbox.fails(&PUSH);
}

#[test]
fn login_asks_the_token_server_for_no_repository() {
    let sandbox = Sandbox::with(Registry::builder().auth(Auth::bearer("tester", PASSWORD)).start());
    let screen = login(&sandbox, PASSWORD);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    let requests: Vec<String> = sandbox.registry.requests().iter().map(Recorded::line).collect();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(!requests[1].contains("scope"), "{requests:?}");
    let screen = login(&sandbox, WRONG_PASSWORD);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(
        screen.stderr.contains("answered 401: UNAUTHORIZED: unknown user or wrong password"),
        "{}",
        screen.show()
    );
}

#[test]
fn wrong_password_is_not_kept() {
    let sandbox = guarded();
    shows(
        &login(&sandbox, WRONG_PASSWORD),
        "exit 2
        err: ► logging in to HOST as tester
        err: ✗ logging in to HOST failed: asking HOST: access denied: UNAUTHORIZED: authentication required (as basic(tester), given to log in)
        err:   hint: check user and password; many registries take an access token in place of the password",
    );
    assert!(!sandbox.path("home").exists(), "{:?}", sandbox.files());
    login(&sandbox, PASSWORD);
    let before = config(&sandbox);
    login(&sandbox, WRONG_PASSWORD);
    assert_eq!(config(&sandbox), before, "the good one is still there");
}

#[test]
fn login_to_an_open_registry_says_that_nothing_was_checked() {
    let sandbox = Sandbox::new();
    let screen = login(&sandbox, PASSWORD);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    assert!(screen.stderr.contains("lets everybody in: the password was not checked"), "{}", screen.show());
}

#[test]
fn password_on_the_command_line_is_warned_about() {
    let sandbox = guarded();
    let screen = sandbox.ok(&["login", "URL", "-u", "tester", "-p", PASSWORD, "-v"]);
    assert!(screen.stderr.contains("use --password-stdin"), "{}", screen.show());
    sandbox.fails(&["login", "URL", "-u", "tester", "-p", PASSWORD, "--password-stdin"]);
}

#[test]
fn password_from_standard_input_is_bounded_and_whole() {
    let sandbox = guarded();
    for (input, words) in [
        (String::new(), "standard input is empty"),
        ("\r\n".to_owned(), "standard input is empty"),
        (format!("{PASSWORD}\0"), "NUL character"),
        (PASSWORD.repeat(10_000), "reading the password"),
    ] {
        let screen = login(&sandbox, &input);
        assert_eq!(screen.code, Some(2), "{}", screen.show());
        assert!(screen.stderr.contains(words), "{}", screen.show());
    }
    assert_eq!(sandbox.registry.requests().len(), 0);
    let key = format!("{{\n  \"private_key\": \"{PASSWORD}\"\n}}");
    let sandbox = Sandbox::with(Registry::builder().auth(Auth::basic("_json_key", &key)).start());
    let login = ["login", "URL", "-u", "_json_key", "--password-stdin"];
    let screen = sandbox.run_with_input(&login, &format!("{key}\n"));
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    sandbox.sample();
    sandbox.ok(&PUSH);
}

#[test]
fn user_and_password_are_not_guessed() {
    let sandbox = guarded();
    for args in [
        &["login", "URL"][..],
        &["login", "URL", "-u", "tester"],
        &["login", "URL", "--password-stdin"],
        &["login", "URL", "-u", "", "-p", "x"],
        &["login", "URL", "-u", "a:b", "-p", "x"],
        &["login", "URL", "-u", "tester", "-p", ""],
        &["login", "-u", "tester", "-p", "x"],
    ] {
        sandbox.fails(args);
    }
    assert_eq!(sandbox.registry.requests().len(), 0);
    assert!(!sandbox.path("home").exists());
}

#[test]
fn registry_is_named_in_every_form() {
    let sandbox = guarded();
    let host = sandbox.registry.host();
    for form in [host.clone(), format!("oci://{host}/"), format!("http://{host}/v2/")] {
        let screen = sandbox.run_with_input(&["login", &form, "-u", "tester", "--password-stdin"], PASSWORD);
        assert_eq!(screen.code, Some(0), "{}", screen.show());
    }
    assert_eq!(config(&sandbox).matches(&host).count(), 1);
    for form in
        ["", "not a host", "oci://", &format!("oci://tester:{PASSWORD}@{host}"), &format!("{host}/app:v1")]
    {
        let screen = sandbox.fails(&["login", form, "-u", "tester", "-p", "x"]);
        assert!(screen.stderr.contains("is no registry"), "{}", screen.show());
    }
}

#[test]
fn part_of_a_registry_has_a_login_of_its_own() {
    let sandbox = guarded();
    let other = format!("{}/other", sandbox.registry.host());
    let screen = sandbox.run_with_input(&["login", &other, "-u", "tester", "--password-stdin"], PASSWORD);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    sandbox.fails(&PUSH);
    sandbox.ok(&["push", "artifact", "URL/other/app:v1", "-f", "app", "--source=s", "--revision=r"]);
    sandbox.write(FILE, r#"{"credsStore":"fake"}"#);
    let screen = sandbox.run_with_input(&["login", &other, "-u", "tester", "--password-stdin"], PASSWORD);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stderr.contains("keeps logins of whole ones"), "{}", screen.show());
}

#[test]
fn file_keeps_everything_else() {
    let sandbox = guarded();
    let host = sandbox.registry.host();
    let text = "{\n  \"HttpHeaders\": {\"User-Agent\": \"x\"},\n  \"auths\": {\n    \"a.example\": {\"auth\": \"dTpw\"}\n  },\n  \
                \"psFormat\": \"table\\t{{.ID}}\"\n}\n";
    sandbox.write("real.json", text);
    fs::create_dir_all(sandbox.path("home/.docker")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("real.json"), sandbox.path(FILE)).unwrap();
    assert_eq!(login(&sandbox, PASSWORD).code, Some(0));
    assert!(sandbox.path(FILE).is_symlink());
    let entry = format!(",\n    \"{host}\": {{\n      \"auth\": \"dGVzdGVyOnMzY3JldC1wYXNz\"\n    }}");
    let old = "\"a.example\": {\"auth\": \"dTpw\"}";
    assert_eq!(config(&sandbox), text.replace(old, &format!("{old}{entry}")));
    sandbox.ok(&["logout", "URL"]);
    assert_eq!(config(&sandbox), text);
}

#[test]
fn file_that_cannot_be_read_is_told_before_anything_is_asked() {
    let sandbox = guarded();
    for text in ["{", "[]", r#"{"auths":{"a.example":{"auth":"hunter2!"}}}"#] {
        sandbox.write(FILE, text);
        for screen in [login(&sandbox, PASSWORD), sandbox.run(&["logout", "URL"])] {
            assert_eq!(screen.code, Some(2), "{}", screen.show());
            assert!(screen.stderr.contains("hint: correct the file"), "{}", screen.show());
        }
        assert_eq!(config(&sandbox), text);
    }
    fs::remove_file(sandbox.path(FILE)).unwrap();
    fs::create_dir(sandbox.path(FILE)).unwrap();
    assert!(login(&sandbox, PASSWORD).stderr.contains("is no regular file"));
    assert_eq!(sandbox.registry.requests().len(), 0);
}

#[test]
fn helper_keeps_the_login() {
    let sandbox = guarded();
    sandbox.helper("fake", HELPER);
    sandbox.write(FILE, r#"{"credsStore":"fake"}"#);
    shows(
        &login(&sandbox, PASSWORD),
        "exit 0
        out: Login Succeeded
        err: ► logging in to HOST as tester
        err: ✔ the login is kept by docker-credential-fake",
    );
    let host = sandbox.registry.host();
    assert_eq!(config(&sandbox), format!(r#"{{"credsStore":"fake","auths":{{"{host}":{{}}}}}}"#));
    sandbox.ok(&PUSH);
    sandbox.ok(&["logout", "URL"]);
    assert_eq!(fs::read_to_string(sandbox.path("erased")).unwrap(), host);
    assert_eq!(fs::read_to_string(sandbox.path("told")).unwrap(), "store\nget\nerase\nget\n");
    assert_eq!(config(&sandbox), r#"{"credsStore":"fake","auths":{}}"#);
}

#[test]
fn helper_that_does_not_keep_it_is_an_error() {
    let sandbox = guarded();
    let text = format!(r#"{{"credHelpers":{{"{}":"fake"}}}}"#, sandbox.registry.host());
    sandbox.write(FILE, &text);
    let screen = login(&sandbox, PASSWORD);
    assert!(screen.stderr.contains("not found on PATH"), "{}", screen.show());
    assert!(screen.stderr.contains("hint: install `docker-credential-fake`"), "{}", screen.show());
    for (script, words) in [
        ("cat > /dev/null; echo the vault is sealed; exit 1", "the vault is sealed"),
        ("cat >&2; exit 1", "failed (exit status: 1) (named in"),
        ("cat > /dev/null; exec head -c 1073741824 /dev/zero", "wrote more than 65536 bytes"),
    ] {
        sandbox.helper("fake", script);
        let screen = login(&sandbox, PASSWORD);
        assert_eq!(screen.code, Some(2), "{}", screen.show());
        assert!(screen.stderr.contains(words), "{}", screen.show());
        assert_eq!(config(&sandbox), text);
    }
    sandbox.helper("fake", "exec sleep 600");
    let hanging = [&LOGIN[..], &["--timeout", "2s"]].concat();
    let screen = sandbox.run_with_input(&hanging, PASSWORD);
    assert!(screen.stderr.contains("timed out after 2 s"), "{}", screen.show());
    assert_eq!(config(&sandbox), text);
}

#[test]
fn logout_says_who_still_has_a_login() {
    let sandbox = guarded();
    login(&sandbox, PASSWORD);
    let podman = format!(r#"{{"auths":{{"{}":{{"auth":"dTpw"}}}}}}"#, sandbox.registry.host());
    sandbox.write("home/.config/containers/auth.json", &podman);
    shows(
        &sandbox.run(&["logout", "URL"]),
        "exit 0
        out: Removing login credentials for HOST
        err: ⚠️ there is still a login for HOST: basic(u), HOME/.config/containers/auth.json",
    );
}

#[test]
fn another_file_is_used_where_it_is_named() {
    let sandbox = guarded();
    let screen =
        sandbox.run_with_input(&[&LOGIN[..], &["--registry-config", "robot.json"]].concat(), PASSWORD);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    assert!(!sandbox.path("home").exists());
    sandbox.ok(&[&PUSH[..], &["--registry-config", "robot.json"]].concat());
    sandbox.fails(&PUSH);
    let robot = sandbox.path("robot.json").display().to_string();
    assert_eq!(sandbox.run_in(&PUSH, &[("REGISTRY_AUTH_FILE", &robot)]).code, Some(0));
    let screen = sandbox.fails(&[&PUSH[..], &["--registry-config", "missing.json"]].concat());
    assert!(
        screen.stderr.contains("missing.json, named by --registry-config, does not exist"),
        "{}",
        screen.show()
    );
    let elsewhere = sandbox.path("elsewhere").display().to_string();
    let mut command = sandbox.command(&["login", "URL", "-u", "tester", "-p", PASSWORD]);
    assert!(command.env("DOCKER_CONFIG", &elsewhere).output().unwrap().status.success());
    assert!(sandbox.path("elsewhere/config.json").is_file() && !sandbox.path("home").exists());
    sandbox.ok(&["logout", "URL", "--registry-config", "robot.json"]);
    assert!(!fs::read_to_string(sandbox.path("robot.json")).unwrap().contains("auth\""));
}

#[test]
fn https_registry_s_password_goes_to_no_http_realm() {
    // The realm would get the password in the clear.
    let tls = oci_testkit::tls::Tls::new();
    let auth = oci_testkit::registry::Bearer {
        login: Some(("tester".into(), OTHER_PASSWORD.into())),
        realm: Some("http://127.0.0.1:9/token".into()),
        ..oci_testkit::registry::Bearer::default()
    };
    let sandbox = Sandbox::with(Registry::builder().tls(&tls).auth(Auth::Bearer(auth)).start());
    sandbox.write("ca.pem", &tls.ca_pem);
    let screen = sandbox.run_with_input(&[&LOGIN[..], &["--ca-file", "ca.pem"]].concat(), OTHER_PASSWORD);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stderr.contains("http://127.0.0.1:9"), "{}", screen.show());
    assert!(!sandbox.path("home").exists());
}

#[test]
fn secrets_of_other_entries_are_not_shown() {
    let sandbox = guarded();
    let entry = format!(
        r#"{{"auths":{{"a.example":{{"identitytoken":"{IDENTITY_TOKEN}"}},"b.example":{{"username":"u","password":"{READER_PASSWORD}"}}}}}}"#
    );
    sandbox.write(FILE, &entry);
    assert_eq!(sandbox.run_with_input(&[&LOGIN[..], &["-v"]].concat(), PASSWORD).code, Some(0));
    sandbox.ok(&["logout", "a.example", "-v"]);
    assert!(config(&sandbox).contains(READER_PASSWORD) && !config(&sandbox).contains(IDENTITY_TOKEN));
}
