//! A forward proxy that remembers what it was asked for: `CONNECT` for https, absolute URLs for http.

use std::{
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

impl Proxy {
    /// Listens on a free port of the loopback interface, for everybody.
    pub fn start() -> Self {
        Self::run(None)
    }

    /// The same for those who show this user and password, by Basic.
    pub fn with_login(user: &str, password: &str) -> Self {
        Self::run(Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))))
    }

    fn run(login: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = Arc::clone(&proxy.seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, login) = (Arc::clone(&seen), login.clone());
                thread::spawn(move || pass(stream, &seen, login.as_deref()));
            }
        });
        proxy
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first request line of each connection that was let through: `CONNECT 127.0.0.1:PORT HTTP/1.1`,
    /// `GET http://… HTTP/1.1`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Serves one connection, which belongs to one origin: clients keep connections apart by origin. An error is somebody
/// who went away.
fn pass(mut client: TcpStream, seen: &Mutex<Vec<String>>, login: Option<&str>) -> io::Result<()> {
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
    if login.is_some() && login != shown.as_deref() {
        let answer =
            b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(answer);
    }
    let line = head.lines().next().unwrap_or_default().to_owned();
    let tunnel = line.starts_with("CONNECT ");
    let target = line.split(' ').nth(1).unwrap_or_default().trim_start_matches("http://");
    let mut server = TcpStream::connect(target.split('/').next().unwrap_or_default())?;
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
    use crate::{registry::Registry, tls::Tls};

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
}
