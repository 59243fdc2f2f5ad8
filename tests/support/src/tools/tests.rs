//! The tables agree with the Go modules, and what is missing names its command.

use super::*;

#[test]
fn tools_are_in_the_modules_that_pin_them() {
    for tool in TOOLS {
        let text = std::fs::read_to_string(tool.module().join("go.mod")).unwrap();
        assert!(text.contains(&format!("tool {}\n", tool.package)), "{}", tool.name);
        let folder = tool.module();
        let folder = folder.strip_prefix(workspace()).unwrap().display();
        let module = format!("module github.com/kubectl-oci/kubectl-oci/{folder}\n");
        assert!(text.starts_with(&module), "{}", tool.name);
    }
}

#[test]
fn control_plane_is_one_module_in_one_folder() {
    let text = std::fs::read_to_string(workspace().join("tests/control-plane/go.mod")).unwrap();
    let first = CONTROL_PLANE[0].place().unwrap();
    for tool in CONTROL_PLANE {
        assert!(text.contains(&format!("\t{}\n", tool.package)), "{}", tool.name);
        let place = tool.place().unwrap();
        assert_eq!(place.parent(), first.parent());
        assert!(place.ends_with(tool.name));
    }
}

#[test]
fn kubernetes_programs_are_stamped_with_the_version_of_their_module() {
    let flags = Tool::named("kubectl").unwrap().ldflags().unwrap();
    let version = kubernetes_version().unwrap();
    let minor = version.split('.').nth(1).unwrap();
    assert!(version.starts_with("v1."), "{version}");
    assert_eq!(
        flags,
        format!(
            "-s -w -X k8s.io/component-base/version.gitVersion={version} \
             -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor={minor}"
        )
    );
    assert_eq!(Tool::named("etcd").unwrap().ldflags().unwrap(), "-s -w");
}

#[test]
fn path_refuses_an_unknown_tool() {
    let error = path("rm").unwrap_err().to_string();
    assert_eq!(error, "`rm` is no tool of tests/compat/go, tests/control-plane or tests/python");
}

#[test]
fn server_that_was_not_built_names_the_command() {
    let path = PathBuf::from("cache/kube-apiserver");
    let error = Tool::named("kube-apiserver").unwrap().at(path).unwrap_err().to_string();
    assert_eq!(
        error,
        "`kube-apiserver` is not in the cache (cache/kube-apiserver): run `cargo xtask control-plane` \
         (or `cargo xtask test`)"
    );
}

#[test]
fn assets_without_a_server_name_the_variable() {
    let error = Tool::named("etcd").unwrap().find_in(Path::new("assets")).unwrap_err().to_string();
    assert_eq!(
        error,
        "`etcd` is not in assets, which KUBEBUILDER_ASSETS names: correct it, or unset it and run \
         `cargo xtask control-plane`"
    );
}

#[test]
fn assets_are_taken_before_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("etcd"), "").unwrap();
    let found = Tool::named("etcd").unwrap().find_in(folder.path()).unwrap();
    assert_eq!(found, folder.path().join("etcd"));
}

#[test]
fn requirements_pin_everything() {
    for environment in ENVIRONMENTS {
        let text = std::fs::read_to_string(environment.requirements()).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.iter().any(|line| line.starts_with(&format!("{}==", environment.name))), "{text}");
        for line in lines {
            let (name, version) = line.split_once("==").unwrap_or((line, ""));
            assert!(!name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()), "{line}");
        }
    }
}

#[test]
fn environment_is_whole_when_it_is_stamped() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::named("moto").unwrap();
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::fs::write(interpreter(folder.path()), "").unwrap();
    assert!(!environment.is_whole(folder.path()));
    environment.stamp(folder.path()).unwrap();
    assert!(environment.is_whole(folder.path()));
}
