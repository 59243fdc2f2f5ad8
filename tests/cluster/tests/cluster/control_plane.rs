//! The harness itself: the server is the one that was built, and its identities are what they claim to be.

use std::time::Duration;

use k8s_openapi::{
    api::{
        authentication::v1::{SelfSubjectReview, UserInfo},
        core::v1::{ConfigMap, Namespace},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Client, api::PostParams};
use oci_testkit::{
    control_plane::{ControlPlane, Ran, eventually},
    tools,
};

/// Who the API server takes the client for.
async fn whoami(client: Client) -> UserInfo {
    let question = SelfSubjectReview::default();
    let answer = Api::all(client).create(&PostParams::default(), &question).await.unwrap();
    answer.status.unwrap().user_info.unwrap()
}

fn a_config_map(name: &str) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    ConfigMap { metadata, ..ConfigMap::default() }
}

/// What the programs should say: the version in `go.mod`, unless somebody chose other programs.
async fn expected_version() -> String {
    if tools::assets().is_none() {
        return tools::kubernetes_version().unwrap();
    }
    let mut command = tools::command("kube-apiserver").unwrap();
    command.arg("--version");
    Ran::of(command).await.succeeded().trim().trim_start_matches("Kubernetes ").to_owned()
}

#[tokio::test]
async fn api_server_is_the_version_of_the_module() {
    let plane = ControlPlane::shared().await;
    let version = plane.client().apiserver_version().await.unwrap();
    assert_eq!(version.git_version, expected_version().await);
}

#[tokio::test]
async fn user_is_denied_until_a_role_is_bound() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace().await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.user("jane", &[]), &namespace);
    let denied = maps.create(&PostParams::default(), &a_config_map("one")).await.unwrap_err();
    let kube::Error::Api(status) = denied else { panic!("{denied}") };
    assert!(status.is_forbidden(), "{status:?}");

    plane
        .apply(&format!(
            "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{ name: writer, namespace: {namespace} }}
rules: [{{ apiGroups: [''], resources: [configmaps], verbs: [create] }}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{ name: writer, namespace: {namespace} }}
roleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer }}
subjects: [{{ apiGroup: rbac.authorization.k8s.io, kind: User, name: jane }}]
"
        ))
        .await;
    // The authorizer learns of roles by a watch.
    eventually("the role", Duration::from_secs(20), async || {
        maps.create(&PostParams::default(), &a_config_map("one")).await
    })
    .await;
}

#[tokio::test]
async fn user_has_the_groups_of_the_certificate() {
    let plane = ControlPlane::shared().await;
    let user = whoami(plane.user("jane", &["developers", "testers"])).await;
    assert_eq!(user.username.as_deref(), Some("jane"));
    assert_eq!(user.groups.unwrap(), ["developers", "testers", "system:authenticated"]);
}

#[tokio::test]
async fn token_authenticates_as_its_service_account() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace().await;
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{ name: robot, namespace: {namespace} }}\n"
    );
    plane.apply(&account).await;
    let token = plane.service_account_token(&namespace, "robot").await;
    let name = format!("system:serviceaccount:{namespace}:robot");
    let user = whoami(plane.client_with_token(&token)).await;
    assert_eq!(user.username, Some(name.clone()));

    let mut kubectl = plane.kubectl();
    kubectl.env("KUBECONFIG", plane.kubeconfig_with_token(&token));
    kubectl.args(["auth", "whoami", "--output=jsonpath={.status.userInfo.username}"]);
    assert_eq!(Ran::of(kubectl).await.succeeded(), name);
}

#[tokio::test]
async fn token_of_a_stranger_is_refused() {
    let plane = ControlPlane::shared().await;
    let namespaces: Api<Namespace> = Api::all(plane.client_with_token("made.up.token"));
    let kube::Error::Api(status) = namespaces.get("default").await.unwrap_err() else { panic!() };
    assert_eq!(status.code, 401);
}

#[tokio::test]
async fn kubectl_is_of_the_same_version_as_the_server() {
    let plane = ControlPlane::shared().await;
    let screen = plane.run(&["version"]).await.succeeded();
    let version = expected_version().await;
    assert!(screen.contains(&format!("Server Version: {version}\n")), "{screen}");
    if tools::assets().is_none() {
        assert!(screen.contains(&format!("Client Version: {version}\n")), "{screen}");
    }
}

#[tokio::test]
async fn kubectl_failures_are_kept_whole() {
    let plane = ControlPlane::shared().await;
    let ran = plane.run(&["get", "namespace", "no-such-namespace"]).await;
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr, "Error from server (NotFound): namespaces \"no-such-namespace\" not found\n");
    let refused = plane.try_apply("apiVersion: v1\nkind: Namespace\nmetadata: { name: Not_A_Name }\n").await;
    assert!(refused.failed().contains("Not_A_Name"));
}

#[tokio::test]
async fn namespaces_are_distinct() {
    let plane = ControlPlane::shared().await;
    let (one, two) = (plane.namespace().await, plane.namespace().await);
    assert_ne!(one, two);
    let namespaces: Api<Namespace> = Api::all(plane.client());
    assert_eq!(namespaces.get(&one).await.unwrap().metadata.name, Some(one));
}

#[tokio::test]
async fn restart_keeps_data_and_address() {
    let mut plane = ControlPlane::start().await;
    let client = plane.client();
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    eventually("the namespace `default`", Duration::from_secs(20), async || {
        maps.create(&PostParams::default(), &a_config_map("kept")).await
    })
    .await;
    let address = plane.url();

    plane.stop_api_server();
    maps.get("kept").await.expect_err("nobody listens");

    plane.start_api_server().await;
    assert_eq!(plane.url(), address);
    // The same client goes on.
    maps.get("kept").await.unwrap();
}
