//! A forward proxy that remembers what it was asked for: `CONNECT` for https, absolute URLs for http.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// A running proxy. It listens until the process ends.
#[derive(Clone, Debug)]
pub struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

/// Whom it serves, and where it leads.
#[derive(Debug, Default)]
struct Rules {
    /// The `Proxy-Authorization` that it wants.
    login: Option<String>,
    /// By `HOST:PORT`; everything else is refused then.
    leads: Option<BTreeMap<String, SocketAddr>>,
}

impl Proxy {
    /// Listens on a free port of the loopback interface, for everybody.
    pub fn start() -> Self {
        Self::run(Rules::default())
    }

    /// The same for those who show this user and password, by Basic.
    pub fn with_login(user: &str, password: &str) -> Self {
        let login = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        Self::run(Rules { login: Some(login), ..Rules::default() })
    }

    /// A proxy that is the internet: each `HOST` (for tunnels to port 443 and URLs with port 80) or `HOST:PORT` is at the
    /// address beside it, and there is nothing else (502).
    pub fn leading<'a>(names: impl IntoIterator<Item = (&'a str, SocketAddr)>) -> Self {
        let mut leads = BTreeMap::new();
        for (name, address) in names {
            if name.contains(':') {
                leads.insert(name.to_owned(), address);
            } else {
                leads.extend([443, 80].map(|port| (format!("{name}:{port}"), address)));
            }
        }
        Self::run(Rules { leads: Some(leads), ..Rules::default() })
    }

    fn run(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, rules) = (Arc::clone(&proxy.seen), Arc::new(rules));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, rules) = (Arc::clone(&seen), Arc::clone(&rules));
                thread::spawn(move || pass(stream, &seen, &rules));
            }
        });
        proxy
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first request line of each connection that led somewhere: `CONNECT 127.0.0.1:PORT HTTP/1.1`,
    /// `GET http://… HTTP/1.1`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Rules {
    /// A connection to `HOST` or `HOST:PORT`; `None` if it leads nowhere.
    fn connect(&self, authority: &str) -> io::Result<Option<TcpStream>> {
        let Some(leads) = &self.leads else { return TcpStream::connect(authority).map(Some) };
        let with_port =
            if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        leads.get(&with_port.to_ascii_lowercase()).map(TcpStream::connect).transpose()
    }
}

/// Serves one connection, which belongs to one origin: clients keep connections apart by origin. An error is somebody
/// who went away.
fn pass(mut client: TcpStream, seen: &Mutex<Vec<String>>, rules: &Rules) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut shown) = (String::new(), None);
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
        if let Some((name, value)) = head[start..].split_once(':')
            && name.eq_ignore_ascii_case("proxy-authorization")
        {
            shown = Some(value.trim().to_owned());
        }
    }
    if rules.login.is_some() && rules.login != shown {
        let answer =
            b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(answer);
    }
    let line = head.lines().next().unwrap_or_default().to_owned();
    let tunnel = line.starts_with("CONNECT ");
    let target = line.split(' ').nth(1).unwrap_or_default().trim_start_matches("http://");
    let Some(mut server) = rules.connect(target.split('/').next().unwrap_or_default())? else {
        return client.write_all(b"HTTP/1.1 502 Nobody\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    seen.lock().unwrap().push(line);
    if tunnel {
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    } else {
        // Servers take absolute URLs as well.
        server.write_all(head.as_bytes())?;
    }
    server.write_all(reader.buffer())?;
    let (mut back, mut forth) = (server.try_clone()?, client.try_clone()?);
    let answers = thread::spawn(move || {
        let done = io::copy(&mut back, &mut forth);
        let _ = forth.shutdown(Shutdown::Both);
        done
    });
    let done = io::copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Write);
    // What the other thread says is of no interest.
    let _ = answers.join();
    done.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        registry::{Auth, Registry},
        tls::Tls,
    };

    fn client(proxy: &Proxy, tls: &Tls) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(tls.ca_pem.as_bytes()).unwrap();
        let through = reqwest::Proxy::all(proxy.url()).unwrap();
        reqwest::Client::builder().proxy(through).tls_certs_only([root]).build().unwrap()
    }

    #[tokio::test]
    async fn proxy_passes_and_remembers() {
        let (tls, proxy) = (Tls::new(), Proxy::start());
        let (plain, secure) = (Registry::start(), Registry::builder().tls(&tls).start());
        for registry in [&plain, &secure] {
            let url = format!("{}/v2/", registry.origin());
            assert_eq!(client(&proxy, &tls).get(url).send().await.unwrap().status(), 200);
            assert_eq!(registry.requests().len(), 1);
        }
        let wanted = [
            format!("GET http://{}/v2/ HTTP/1.1", plain.host()),
            format!("CONNECT {} HTTP/1.1", secure.host()),
        ];
        assert_eq!(proxy.seen(), wanted);
    }

    #[tokio::test]
    async fn proxy_turns_strangers_away() {
        let (tls, proxy, registry) = (Tls::new(), Proxy::with_login("u", "p"), Registry::start());
        let answer = client(&proxy, &tls).get(format!("{}/v2/", registry.origin())).send().await.unwrap();
        assert_eq!(answer.status(), 407);
        assert!(proxy.seen().is_empty() && registry.requests().is_empty());
    }
    #[tokio::test]
    async fn proxy_leads_names_to_us_and_to_nobody_else() {
        let name = "012345678901.dkr.ecr.eu-west-1.amazonaws.com";
        let tls = Tls::for_names(&[name, "*.blob.example"]);
        let named = || Registry::builder().named(name);
        let (plain, secure) = (named().start(), named().tls(&tls).auth(Auth::bearer("u", "p")).start());
        assert_eq!(secure.origin(), format!("https://{name}"));
        let proxy = Proxy::leading([
            (name, secure.address()),
            ("store.blob.example", secure.address()),
            ("plain.example", plain.address()),
            ("plain.example:5000", plain.address()),
        ]);
        let client = client(&proxy, &tls);
        for (url, status) in [
            (format!("https://{name}/v2/"), 401),
            ("https://store.blob.example/v2/".to_owned(), 401),
            ("http://plain.example/v2/".to_owned(), 200),
            ("http://plain.example:5000/v2/".to_owned(), 200),
            ("http://elsewhere.example/v2/".to_owned(), 502),
            (format!("http://{}/v2/", plain.host()), 502),
        ] {
            let answer = client.get(&url).send().await.unwrap();
            assert_eq!(answer.status(), status, "{url}");
            if let Some(challenge) = answer.headers().get("www-authenticate") {
                let realm = format!(r#"realm="https://{name}/token",service="{name}""#);
                assert!(challenge.to_str().unwrap().contains(&realm), "{challenge:?}");
            }
        }
        assert!(client.get(format!("https://{name}:5000/v2/")).send().await.is_err());
        assert_eq!((secure.requests().len(), plain.requests().len()), (2, 2));
        assert_eq!(proxy.seen().len(), 4, "{:?}", proxy.seen());
        assert_eq!(proxy.seen()[0], format!("CONNECT {name}:443 HTTP/1.1"));
    }
}
