//! The webhook in this process, on a free port of the loopback interface.

use std::{net::TcpListener, sync::Arc};

use oci_server::{
    Options, Running,
    limits::Limits,
    serve,
    tls::{Served, server_config, source::Material},
};
use oci_testkit::tls::Tls;
use oci_webhook::{
    admit::Rules,
    http::{Health, Webhook},
    limits::Permits,
    observe::Metrics,
};
use tokio_rustls::TlsConnector;

use crate::client::{Client, connector};

pub(crate) fn now() -> jiff::Timestamp {
    oci_webhook::app::now()
}

/// A running webhook.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Health,
    pub(crate) served: Arc<Served>,
    pub(crate) connector: TlsConnector,
}

pub(crate) fn material(tls: &Tls) -> Material {
    Material {
        certificate: tls.server_cert_pem.clone().into_bytes(),
        key: tls.server_key_pem.clone().into_bytes(),
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Limits::default(), Permits::default())
    }

    pub(crate) fn with(limits: Limits, permits: Permits) -> Self {
        let tls = Tls::new();
        let served = Arc::new(Served::default());
        served.replace(material(&tls).identity(now()).unwrap());
        let (health, metrics) = (Health::new(Arc::clone(&served)), Arc::new(Metrics::new()));
        let webhook = Webhook::new(Rules::default(), permits, health.clone(), Arc::clone(&metrics));
        let options = Options {
            tls: Some(server_config(Arc::clone(&served)).unwrap()),
            limits,
            connections: metrics.connections("webhook"),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let running = serve(listener, webhook.router(), options).unwrap();
        Self { running, metrics, health, served, connector: connector(&tls.ca_pem) }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.running.address(), &self.connector).await.unwrap()
    }

    /// Whether the metrics have that line.
    pub(crate) fn counted(&self, line: &str) -> bool {
        self.metrics.text().lines().any(|found| found == line)
    }
}
