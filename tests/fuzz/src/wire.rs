//! A registry, and everybody else on the network: whoever is asked whatever answers with prepared bytes.

use std::{
    cell::RefCell,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use oci_registry::{Options, Proxies, Proxy};
use tokio::{runtime::Runtime, time::Instant};

/// The longest that one input may keep us.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers that are left, the last one first.
type Answers = Arc<Mutex<Vec<Vec<u8>>>>;

/// One for each thread, so that threads do not take each other's answers.
struct Peer {
    answers: Answers,
    address: SocketAddr,
    runtime: Runtime,
}

thread_local! {
    static PEER: RefCell<Option<Peer>> = const { RefCell::new(None) };
}

/// Does something with these options, by which every question goes to the peer as a proxy. Its answers are these bytes
/// one after the other, then nothing. What goes past proxies can ask it by its address.
pub(crate) fn answering(answers: &[&[u8]], work: impl AsyncFnOnce(Options, SocketAddr)) {
    PEER.with_borrow_mut(|peer| {
        let peer = peer.get_or_insert_with(Peer::start);
        *peer.answers.lock().unwrap() = answers.iter().rev().map(|answer| answer.to_vec()).collect();
        let proxy = Proxy::new(&format!("http://{}", peer.address), None, None).unwrap();
        peer.runtime.block_on(async {
            let options = Options {
                insecure: true,
                proxies: Proxies::only(proxy),
                attempts: 1,
                backoff: Duration::ZERO,
                deadline: Some(Instant::now() + PATIENCE),
                ..Options::default()
            };
            work(options, peer.address).await;
        });
    });
}

impl Peer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Answers::default();
        let taken = Arc::clone(&answers);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let next = taken.lock().unwrap().pop();
                // An error is a client that went away.
                drop(answer(stream, &next.unwrap_or_default()));
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { answers, address, runtime }
    }
}

/// One answer to whatever is asked, and the end of the connection.
fn answer(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut head, mut buffer): (Vec<u8>, _) = (Vec::new(), [0; 4_096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => head.extend(&buffer[..count]),
        }
    }
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)
}
