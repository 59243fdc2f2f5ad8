//! Proxies of the environment.

use oci_testkit::net;

use crate::sandbox::{Sandbox, Screen, shows};

/// Runs with these variables.
fn run(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Screen {
    sandbox.screen(sandbox.command(args).envs(variables.iter().copied()).output().unwrap())
}

/// An object that a registry without TLS has.
fn object(host: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: app\n  namespace: team\n\
         spec:\n  url: oci://{host}/app\n  interval: 5m\n  insecure: true\n  ref:\n    tag: v1\n"
    )
}

#[test]
fn variable_that_is_no_proxy_is_told_before_anything_is_asked() {
    let sandbox = Sandbox::pushed();
    sandbox.write("app.yaml", &object(&sandbox.registry.host()));
    for args in [
        &["list", "artifacts", "URL/app"][..],
        &["pull", "artifact", "URL/app:v1", "-o", "out"],
        &["dry-run", "-f", "app.yaml"],
        &["get"],
    ] {
        shows(
            &run(&sandbox, args, &[("HTTPS_PROXY", "http://user:hunter2@proxy:port")]),
            "exit 2
            err: ✗ the variable HTTPS_PROXY: the address of the proxy is no URL with a host, such as http://proxy.example:3128",
        );
    }
    assert_eq!(sandbox.registry.accepts(), 0);
    let screen = run(&sandbox, &["lint", "-f", "app.yaml"], &[("https_proxy", "ftp://proxy")]);
    assert!(!screen.stderr.contains("proxy"), "who asks nobody needs none: {}", screen.show());
}

#[test]
fn registry_on_this_computer_is_asked_past_the_proxy() {
    let sandbox = Sandbox::pushed();
    let nobody = format!("http://{}", net::refused());
    let proxies = [("HTTP_PROXY", nobody.as_str()), ("https_proxy", &nobody), ("ALL_PROXY", &nobody)];
    let screen = run(&sandbox, &["pull", "artifact", "URL/app:v1", "-o", "out"], &proxies);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    let screen = run(&sandbox, &["pull", "artifact", "oci://r.example/app:v1", "-o", "out"], &proxies);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stderr.contains(&format!("the proxy {nobody}")), "{}", screen.show());
}

#[test]
fn registry_elsewhere_is_asked_through_the_proxy() {
    // The embedded registry answers whatever host it is asked for, as a proxy does.
    let sandbox = Sandbox::pushed();
    sandbox.write("app.yaml", &object("registry.invalid"));
    let proxy = sandbox.registry.origin();
    let both = [("HTTP_PROXY", proxy.as_str()), ("HTTPS_PROXY", &proxy)];
    for args in [
        &["list", "artifacts", "oci://registry.invalid/app", "--insecure-registry"][..],
        &["dry-run", "-f", "app.yaml"],
    ] {
        sandbox.registry.reset();
        let screen = run(&sandbox, args, &both);
        assert_eq!(screen.code, Some(0), "{}", screen.show());
        assert!(sandbox.registry.count(|request| request.header("host") == Some("registry.invalid")) > 0);
    }
}
