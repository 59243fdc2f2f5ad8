//! Which objects stand in one line: those that wait for the same registry in the same way.

use std::sync::Arc;

use oci_crds::v1::{LocalReference, OciRepository};

/// A registry and how it is reached. Somebody's dead proxy must not make others wait who go without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lane(Arc<str>);

impl Lane {
    /// The lane of an object.
    pub fn of(object: &OciRepository) -> Self {
        let url = object.spec.url.as_deref().unwrap_or_default();
        let place = url.strip_prefix("oci://").unwrap_or(url);
        let host = place.split('/').next().unwrap_or_default();
        let named = |reference: &Option<LocalReference>| {
            let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
            reference.as_ref().map(|reference| format!("{namespace}/{}", reference.name)).unwrap_or_default()
        };
        let (proxy, certificate) =
            (named(&object.spec.proxy_secret_ref), named(&object.spec.cert_secret_ref));
        if proxy.is_empty() && certificate.is_empty() {
            return Self(host.into());
        }
        Self(format!("{host} {proxy} {certificate}").into())
    }
}

#[cfg(test)]
mod tests {
    use oci_crds::v1::Spec;

    use super::*;

    fn lane(namespace: &str, url: &str, proxy: Option<&str>) -> Lane {
        let proxy_secret_ref = proxy.map(|name| LocalReference { name: name.to_owned() });
        let spec = Spec { url: Some(url.to_owned()), proxy_secret_ref, ..Spec::default() };
        Lane::of(&OciRepository::new(namespace, "app", spec))
    }

    #[test]
    fn lane_is_the_registry() {
        assert_eq!(lane("a", "oci://ghcr.io/one/app", None), lane("b", "oci://ghcr.io/two", None));
        assert_ne!(lane("a", "oci://ghcr.io/app", None), lane("a", "oci://quay.io/app", None));
    }

    #[test]
    fn lane_of_a_proxy_is_its_namespace_s_own() {
        let url = "oci://ghcr.io/app";
        assert_ne!(lane("a", url, Some("proxy")), lane("a", url, None));
        assert_ne!(lane("a", url, Some("proxy")), lane("b", url, Some("proxy")));
    }
}
