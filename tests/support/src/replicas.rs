//! What the Deployment controller and the endpoints of a Service do: the pods of a Deployment, replaced one by one as its
//! strategy says, behind one address that leads to those that are ready.

use std::time::Duration;

use k8s_openapi::{api::apps::v1::Deployment, apimachinery::pkg::util::intstr::IntOrString};
use kube::Api;

use crate::{
    control_plane::ControlPlane,
    kubelet::{NAMESPACE, Pod},
    service::Service,
};

/// After a pod was told to end, nodes send it new connections for a while: so long here.
const LAG: Duration = Duration::from_secs(1);

/// The pods of a Deployment; killed when dropped.
#[derive(Debug)]
pub struct Replicas {
    deployment: String,
    /// The name of the port that the Service leads to.
    port: String,
    more: Vec<String>,
    /// The oldest first.
    pods: Vec<Pod>,
    service: Service,
}

impl Replicas {
    /// Starts as many pods as the Deployment says, each with more arguments, and waits until they are ready.
    pub async fn start(plane: &ControlPlane, deployment: &str, port: &str, more: &[&str]) -> Self {
        let mut replicas = Self {
            deployment: deployment.to_owned(),
            port: port.to_owned(),
            more: more.iter().map(|argument| (*argument).to_owned()).collect(),
            pods: Vec::new(),
            service: Service::start(),
        };
        let wanted = replicas.spec(plane).await.replicas.unwrap_or(1);
        for _ in 0..wanted {
            let pod = replicas.pod(plane).await;
            replicas.pods.push(pod);
        }
        for pod in &replicas.pods {
            pod.wait_ready().await;
        }
        replicas.lead_to(None);
        replicas
    }

    /// The pods, the oldest first.
    pub fn pods(&self) -> &[Pod] {
        &self.pods
    }

    /// Where the Service is on loopback.
    pub fn port(&self) -> u16 {
        self.service.port()
    }

    /// Puts a new pod in the place of the oldest one, and returns that one: it was told to end, and gets no new connections
    /// any more.
    pub async fn replace(&mut self, plane: &ControlPlane) -> Pod {
        let strategy = self.spec(plane).await.strategy.unwrap_or_default();
        let rolling = strategy.rolling_update.unwrap_or_default();
        let first_the_new_one = rolling.max_unavailable == Some(IntOrString::Int(0));
        let mut old = self.pods.remove(0);
        if first_the_new_one {
            self.add(plane, Some(&old)).await;
        }
        old.ask_to_end();
        tokio::time::sleep(LAG).await;
        self.lead_to(None);
        if !first_the_new_one {
            self.add(plane, None).await;
        }
        old
    }

    /// Asks all pods to end at once, and returns them.
    pub fn ask_to_end(mut self) -> Vec<Pod> {
        self.pods.iter_mut().for_each(Pod::ask_to_end);
        self.pods
    }

    async fn add(&mut self, plane: &ControlPlane, old: Option<&Pod>) {
        let pod = self.pod(plane).await;
        pod.wait_ready().await;
        self.pods.push(pod);
        self.lead_to(old);
    }

    fn lead_to(&self, old: Option<&Pod>) {
        self.service.lead_to(self.pods.iter().chain(old).map(|pod| pod.port(&self.port)));
    }

    async fn pod(&self, plane: &ControlPlane) -> Pod {
        let more: Vec<&str> = self.more.iter().map(String::as_str).collect();
        Pod::behind(plane, &self.deployment, &more, Some(self.service.port())).await
    }

    async fn spec(&self, plane: &ControlPlane) -> k8s_openapi::api::apps::v1::DeploymentSpec {
        let deployments: Api<Deployment> = Api::namespaced(plane.client(), NAMESPACE);
        deployments.get(&self.deployment).await.unwrap().spec.unwrap()
    }
}
