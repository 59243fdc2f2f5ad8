//! distribution with a password file.

use oci_testkit::{
    planted,
    real::{Distribution, Mode, PASSWORD, USER},
    token_server::{Rights, TokenServer},
};

use crate::bench::{Bench, ORIGIN, tree};

fn guarded() -> Distribution {
    Distribution::start(Mode::Htpasswd).unwrap()
}

/// Every command but `build` with these flags.
pub(crate) fn every_command_works(bench: &Bench, registry: &Distribution, flags: &[&str]) {
    let url = registry.url("org/app:v1");
    let ok = |args: &[&str]| bench.ok(&[args, flags].concat());
    ok(&[&["push", "artifact", &url, "-f", "app"], &ORIGIN[..]].concat());
    ok(&["tag", "artifact", &url, "--tag", "stable"]);
    let listed = ok(&["list", "artifacts", &registry.url("org/app"), "-o", "name"]).stdout;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(ok(&["inspect", "artifact", &url]).stdout.contains(ORIGIN[1]));
    ok(&["diff", "artifact", &url, "--path", "app"]);
    ok(&["pull", "artifact", &url, "-o", "out"]);
    assert_eq!(tree(&bench.path("out")), tree(&bench.path("app")));
}

#[test]
fn login_that_crane_wrote_opens_the_registry() {
    let (bench, registry) = (Bench::new(), guarded());
    bench.crane(&["auth", "login", "-u", USER, "-p", PASSWORD, &registry.host()]);
    assert!(bench.path("docker/config.json").is_file());
    every_command_works(&bench, &registry, &[]);
    bench.ok(&["copy", "artifact", &registry.url("org/app:v1"), &registry.url("prod/app:v1")]);
    let digest = bench.crane_text(&["digest", &format!("{}/org/app:v1", registry.host())]);
    assert_eq!(bench.crane_text(&["digest", &format!("{}/prod/app:v1", registry.host())]), digest);
}

#[test]
fn login_that_oras_wrote_opens_the_registry() {
    let (bench, registry) = (Bench::new(), guarded());
    bench.oras(&["login", "--plain-http", "-u", USER, "-p", PASSWORD, &registry.host()]);
    assert!(bench.path("docker/config.json").is_file());
    every_command_works(&bench, &registry, &[]);
}

#[test]
fn login_that_we_wrote_opens_the_registry_for_everybody() {
    let (bench, registry) = (Bench::new(), guarded());
    let login = ["login", &registry.host(), "-u", USER, "--password-stdin"];
    let seen = bench.run_with(&login, planted::WRONG_PASSWORD);
    assert_eq!(seen.code, Some(2), "{seen:#?}");
    assert!(!bench.path("docker").exists(), "nothing is kept that the registry does not take");
    let seen = bench.run_with(&login, PASSWORD);
    assert_eq!((seen.code, seen.stdout.as_str()), (Some(0), "Login Succeeded\n"), "{seen:#?}");
    every_command_works(&bench, &registry, &[]);
    let name = format!("{}/org/app:v1", registry.host());
    bench.crane(&["digest", &name]);
    bench.oras(&["resolve", "--plain-http", &name]);
    bench.ok(&["logout", &registry.host()]);
    bench.fails(&["inspect", "artifact", &registry.url("org/app:v1")]);
}

#[test]
fn login_that_others_wrote_is_forgotten() {
    let (bench, registry) = (Bench::new(), guarded());
    bench.oras(&["login", "--plain-http", "-u", USER, "-p", PASSWORD, &registry.host()]);
    assert_eq!(
        bench.ok(&["logout", &registry.host()]).stdout,
        format!("Removing login credentials for {}\n", registry.host())
    );
    bench.crane(&["auth", "login", "-u", USER, "-p", PASSWORD, &registry.host()]);
    bench.ok(&["logout", &registry.url("")]);
    let kept = std::fs::read_to_string(bench.path("docker/config.json")).unwrap();
    assert!(!kept.contains(&registry.host()), "{kept}");
}

#[test]
fn login_is_checked_by_a_token_server() {
    let tokens = TokenServer::builder()
        .user(USER, PASSWORD, Rights::Push)
        .user("stranger", planted::OTHER_PASSWORD, Rights::Nothing)
        .start();
    let (bench, registry) = (Bench::new(), Distribution::with_tokens(&tokens).unwrap());
    let login = |user: &str, password: &str| {
        bench.run_with(&["login", &registry.host(), "-u", user, "--password-stdin"], password)
    };
    let seen = login(USER, planted::WRONG_PASSWORD);
    assert_eq!(seen.code, Some(2), "{seen:#?}");
    assert!(!bench.path("docker").exists());
    tokens.reset();
    let seen = login(USER, PASSWORD);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert_eq!(tokens.requests().len(), 1);
    assert_eq!(tokens.requests()[0].all("scope").count(), 0, "it is about nothing but who asks");
    every_command_works(&bench, &registry, &[]);
    let explain = ["auth", "explain", &registry.url("org/app:v1"), "--test"];
    assert!(bench.ok(&explain).stdout.contains("let in: sha256:"));
    let seen = login("stranger", planted::OTHER_PASSWORD);
    assert_eq!(seen.code, Some(0), "who it is, not what it may: {seen:#?}");
    let seen = bench.run(&explain);
    assert_eq!(seen.code, Some(1), "{seen:#?}");
    let last = seen.stdout.lines().last().unwrap();
    assert!(last.starts_with("request") && last.contains("access denied"), "{seen:#?}");
    assert!(seen.stdout.contains("basic(stranger)"), "{seen:#?}");
}

#[test]
fn login_by_flags_opens_the_registry() {
    let (bench, registry) = (Bench::new(), guarded());
    let login = format!("{USER}:{PASSWORD}");
    every_command_works(&bench, &registry, &["--creds", &login]);
    let (from, to) = (registry.url("org/app:v1"), registry.url("prod/app:v1"));
    let flags = ["copy", "artifact", &from, &to, "--from-creds", &login, "--to-creds", &login];
    bench.ok(&flags);
    bench.fails(&flags[..6]);
}

#[test]
fn login_from_standard_input_opens_the_registry() {
    let (bench, registry) = (Bench::new(), guarded());
    let url = registry.url("app:v1");
    let args =
        [&["push", "artifact", &url, "-f", "app", "--creds", USER, "--password-stdin"], &ORIGIN[..]].concat();
    for input in [format!("{PASSWORD}\n"), PASSWORD.to_owned()] {
        let seen = bench.run_with(&args, &input);
        assert_eq!(seen.code, Some(0), "{seen:#?}");
    }
    assert_eq!(bench.run_with(&args, "wrong\n").code, Some(2));
}

#[test]
fn wrong_password_is_an_error_of_every_command() {
    let (bench, registry) = (Bench::new(), guarded());
    let (url, repository) = (registry.url("app:v1"), registry.url("app"));
    for args in [
        &["push", "artifact", &url, "-f", "app", "--source=s", "--revision=r"][..],
        &["pull", "artifact", &url, "-o", "out"],
        &["list", "artifacts", &repository],
        &["inspect", "artifact", &url],
        &["diff", "artifact", &url, "--path", "app"],
        &["tag", "artifact", &url, "--tag", "x"],
    ] {
        for (login, who) in [(&["--creds", "tester:hunter2"][..], "tester"), (&[], "anonymous")] {
            let errors = bench.fails(&[args, login].concat());
            assert!(errors.contains("access denied") && errors.contains(who), "{args:?}: {errors}");
            assert!(errors.contains("hint: log in"), "{args:?}: {errors}");
            assert!(!errors.contains("hunter2"), "{args:?}: {errors}");
        }
    }
    assert!(!bench.path("out").exists());
}

#[test]
fn wrong_password_is_reported_with_the_words_of_the_registry() {
    let (bench, registry) = (Bench::new(), guarded());
    let errors =
        bench.fails(&["pull", "artifact", &registry.url("app:v1"), "-o", "out", "--creds", "tester:hunter2"]);
    assert!(errors.contains("authentication required"), "{errors}");
}
