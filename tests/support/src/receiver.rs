//! An HTTP receiver that remembers what was posted to it, as notification-controller would get it.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

/// The most of a body.
const MOST: u64 = 1 << 20;

/// One request.
#[derive(Clone, Debug)]
pub struct Posted {
    /// `POST / HTTP/1.1`.
    pub line: String,
    /// The value of `Content-Type`.
    pub content_type: String,
    /// The body; null if it is no JSON.
    pub body: Value,
    /// The status that was answered.
    pub status: u16,
}

#[derive(Debug, Default)]
struct State {
    posted: Vec<Posted>,
    statuses: Vec<u16>,
}

/// A running receiver. It listens until the process ends.
#[derive(Clone, Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// Listens on a free port of the loopback interface and answers 202.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let state = Arc::clone(&receiver.state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || answer(stream, &state));
            }
        });
        receiver
    }

    /// `http://127.0.0.1:PORT/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The statuses of the next answers; 202 after that.
    pub fn answer(&self, statuses: &[u16]) {
        self.state.lock().unwrap().statuses = statuses.iter().rev().copied().collect();
    }

    /// All requests so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.state.lock().unwrap().posted.clone()
    }
}

/// An error is a client that went away.
fn answer(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (mut length, mut content_type) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or_default(),
            "content-type" => value.trim().clone_into(&mut content_type),
            _ => {}
        }
    }
    let mut body = vec![0; usize::try_from(MOST.min(length)).map_err(io::Error::other)?];
    reader.read_exact(&mut body)?;
    let status = {
        let mut state = state.lock().unwrap();
        let status = state.statuses.pop().unwrap_or(202);
        let body = serde_json::from_slice(&body).unwrap_or_default();
        state.posted.push(Posted { line: line.trim().to_owned(), content_type, body, status });
        status
    };
    write!(stream, "HTTP/1.1 {status} Scripted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receiver_remembers_and_answers() {
        let receiver = Receiver::start();
        receiver.answer(&[500]);
        for status in ["500", "202"] {
            let mut stream = TcpStream::connect(receiver.address).unwrap();
            stream
                .write_all(b"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n")
                .unwrap();
            stream.write_all(br#"{"a":1}"#).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        }
        let posted = receiver.posted();
        assert_eq!(posted.iter().map(|posted| posted.status).collect::<Vec<_>>(), [500, 202]);
        assert_eq!((posted[0].line.as_str(), posted[0].body["a"].as_u64()), ("POST / HTTP/1.1", Some(1)));
    }
}
