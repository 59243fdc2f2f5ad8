//! The tour of README, from an empty folder to an empty cluster.

use std::fs;

use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    documents::{Code, Document, Step},
    kubelet::Pod,
    real::{Distribution, Mode},
    tools::workspace,
};

use super::{
    cluster,
    desk::Desk,
    installed, namespaced,
    running::{LONG, WEBHOOK, pod, wire},
};

/// The heading of the tour.
const TOUR: &str = "A tour of five minutes";
const CONTROLLER: &str = "oci-controller";
/// What is followed by other tests: how a block begins, and the test with its file.
const ELSEWHERE: [(&str, &str, &str); 2] = [
    (
        "kubectl krew install --manifest-url=",
        "tests/compat/tests/compat/krew.rs",
        "krew_installs_the_release_and_kubectl_runs_it",
    ),
    (
        "cargo install --locked --path plugin",
        "tests/cluster/tests/cluster/install/tour.rs",
        "readme_installs_the_plugin_from_the_sources",
    ),
];

fn is_of_the_tour(code: &Code) -> bool {
    code.heading == TOUR
}

/// Starts what has just been installed, as a node would.
async fn started(plane: &ControlPlane) -> [Pod; 2] {
    let webhook = pod(plane, WEBHOOK, &["--tls-reload-interval=200ms"]).await;
    [webhook, pod(plane, CONTROLLER, &[]).await]
}

/// Ends what has just been uninstalled, as a node would.
async fn ended(plane: &ControlPlane, pods: Option<[Pod; 2]>) {
    let deployments = namespaced(plane, "apps/v1", "Deployment");
    eventually("the end of a Deployment", LONG, async || match deployments.get_opt(CONTROLLER).await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    for mut pod in pods.into_iter().flatten() {
        pod.terminate().await;
    }
}

#[tokio::test]
async fn readme_is_true_from_the_first_push_to_the_uninstallation() {
    let plane = cluster().await;
    let registry = Distribution::start(Mode::Plain).unwrap();
    let desk = Desk::new(&plane, &[("ghcr.io", &registry.host())]);
    let mut pods = None;
    let follow = async |step: &Step, pods: Option<[Pod; 2]>| {
        let words: Vec<&str> = step.command.split(' ').take(3).collect();
        match words.join(" ").as_str() {
            "kubectl oci install" => {
                let ((), pods) = tokio::join!(desk.step(step), started(&plane));
                wire(&plane, pods[0].port("https")).await;
                Some(pods)
            }
            "kubectl oci uninstall" => {
                tokio::join!(desk.step(step), ended(&plane, pods));
                None
            }
            _ => {
                desk.step(step).await;
                pods
            }
        }
    };
    let readme = Document::read("README.md");
    let tour: Vec<Code> = readme.codes().into_iter().filter(is_of_the_tour).collect();
    for code in &tour {
        if code.language == "console" {
            for step in code.steps() {
                pods = follow(&step, pods).await;
            }
        } else {
            desk.follow(code).await;
        }
    }
    assert!(tour.len() > 5 && pods.is_none(), "the tour goes round: {tour:#?}");
    assert_eq!(installed(&plane).await, Vec::<String>::new());
}

#[test]
fn readme_has_no_code_that_nobody_follows() {
    for code in Document::read("README.md").codes().iter().filter(|code| !is_of_the_tour(code)) {
        let found = ELSEWHERE.iter().find(|(begin, ..)| code.text.starts_with(begin));
        let (_, file, test) = found.unwrap_or_else(|| panic!("{}: {}", code.place, code.text));
        let source = fs::read_to_string(workspace().join(file)).unwrap();
        assert!(source.contains(&format!("fn {test}(")), "{file}: {test}");
    }
}

#[test]
fn readme_installs_the_plugin_from_the_sources() {
    let manifest = fs::read_to_string(workspace().join("plugin/Cargo.toml")).unwrap();
    assert!(manifest.contains("[[bin]]\nname = \"kubectl-oci\"\n"), "{manifest}");
}
