//! A TCP proxy with toxics: what networks do to bytes, between a client and a server that know nothing of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// What happens to the bytes of one direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toxic {
    /// Each piece waits, by chance up to `jitter` longer.
    Latency { delay: Duration, jitter: Duration },
    /// So many bytes a second.
    Bandwidth { bytes_per_second: u32 },
    /// Pieces of so many bytes, each sent by itself.
    Slicer { bytes: usize },
    /// Nothing comes through any more, and nobody is told.
    BlackHole,
    /// The connection is reset behind so many bytes.
    Reset { behind: usize },
    /// The connection ends, as if in good order, behind so many bytes.
    LimitData { bytes: usize },
}

/// The direction in which a toxic works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Decides what the connection of this number, counted from 0, suffers.
type Script = dyn Fn(usize) -> Vec<(Way, Toxic)> + Send + Sync;

/// The proxy; it ends with the test's runtime.
pub(crate) struct Proxy {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Stands before `upstream`, and treats each connection as `script` says.
    pub(crate) async fn start(
        upstream: SocketAddr,
        script: impl Fn(usize) -> Vec<(Way, Toxic)> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, script): (_, Arc<Script>) = (Arc::clone(&connections), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let toxics = script(count.fetch_add(1, Ordering::Relaxed));
                tokio::spawn(connect(client, upstream, toxics));
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// Its address as a URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn connect(client: TcpStream, upstream: SocketAddr, toxics: Vec<(Way, Toxic)>) {
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    // Each small piece leaves by itself.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let of = |way| {
        let mine = toxics.iter().filter(move |(theirs, _)| *theirs == way);
        mine.map(|(_, toxic)| *toxic).collect::<Vec<_>>()
    };
    let (up, down) = (of(Way::Up), of(Way::Down));
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let reset = Arc::new(Mutex::new(false));
    let upwards = tokio::spawn(pump(client_read, server_write, up, Arc::clone(&reset)));
    let client_write = pump(server_read, client_write, down, Arc::clone(&reset)).await;
    if *reset.lock().unwrap() {
        let _ = client_write.as_ref().set_zero_linger();
        // The other half keeps the socket open.
        upwards.abort();
        let _ = upwards.await;
    }
}

/// Carries bytes until one side ends or a toxic does; returns the half it wrote to.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    toxics: Vec<Toxic>,
    reset: Arc<Mutex<bool>>,
) -> OwnedWriteHalf {
    let most = toxics.iter().find_map(|toxic| match toxic {
        Toxic::Slicer { bytes } => Some(*bytes),
        _ => None,
    });
    let mut buffer = vec![0; 16 << 10];
    let mut carried = 0;
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            let _ = to.shutdown().await;
            return to;
        }
        for piece in buffer[..read].chunks(most.unwrap_or(read)) {
            let left = suffer(piece, &toxics, carried, &reset).await;
            carried += left.len();
            if to.write_all(left).await.is_err() {
                return to;
            }
            if left.len() < piece.len() {
                let _ = to.shutdown().await;
                return to;
            }
        }
    }
}

/// What is left of a piece; where that is less, the connection ends behind it.
async fn suffer<'a>(
    mut piece: &'a [u8],
    toxics: &[Toxic],
    carried: usize,
    reset: &Mutex<bool>,
) -> &'a [u8] {
    for toxic in toxics {
        match *toxic {
            Toxic::Latency { delay, jitter } => {
                sleep(delay + jitter.mul_f64(fastrand::f64())).await;
            }
            Toxic::Bandwidth { bytes_per_second } => {
                let seconds = piece.len() as f64 / f64::from(bytes_per_second);
                sleep(Duration::from_secs_f64(seconds)).await;
            }
            Toxic::BlackHole => std::future::pending().await,
            Toxic::Reset { behind } if carried + piece.len() > behind => {
                *reset.lock().unwrap() = true;
                return &[];
            }
            Toxic::LimitData { bytes } => {
                piece = &piece[..piece.len().min(bytes.saturating_sub(carried))];
            }
            Toxic::Slicer { .. } | Toxic::Reset { .. } => {}
        }
    }
    piece
}
