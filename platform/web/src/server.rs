//! The socket: listens, serves, and ends in bounded time.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::metrics;
use tokio_util::sync::CancellationToken;

/// What a client may ask of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body; a route can have its own (`DefaultBodyLimit`).
    pub body: usize,
    /// Bytes of all headers of a request.
    pub headers: usize,
    /// Until headers must be complete, and how long a connection may stay idle.
    pub header_time: Duration,
    /// Until the answer must begin, its body's arrival included.
    pub request_time: Duration,
    pub connections: usize,
    /// Open event streams.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 256 * 1024,
            headers: 64 * 1024,
            header_time: Duration::from_secs(30),
            request_time: Duration::from_secs(30),
            connections: 10_000,
            streams: 1_000,
        }
    }
}

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen on {address}: the port is in use by another program")]
    InUse { address: SocketAddr },
    #[error("cannot listen on {address}")]
    Other { address: SocketAddr, source: io::Error },
}

/// A listening socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Port 0 is any free one, see [`Server::address`].
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { address },
            _ => BindError::Other { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; then takes no more, and gives what is being worked on `grace` to finish.
    /// Returns how many connections were cut.
    pub async fn serve(self, router: Router, limits: Limits, shutdown: CancellationToken, grace: Duration) -> usize {
        let service = TowerToHyperService::new(router);
        let mut connections = JoinSet::new();
        let mut upkeep = interval(Duration::from_secs(5));
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = pin!(shutdown.cancelled());
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < limits.connections => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, service.clone(), limits, shutdown.clone()));
                    }
                    Err(error) if of_the_connection(&error) => {}
                    Err(error) => {
                        // out of file handles, most likely: trying again at once would burn the processor
                        tracing::error!(%error, "cannot accept connections");
                        sleep(Duration::from_millis(100)).await;
                    }
                },
                _ = upkeep.tick() => metrics::install().run_upkeep(),
            }
        }
        drop(self.listener);
        let _ = timeout(grace, async { while connections.join_next().await.is_some() {} }).await;
        let cut = connections.len();
        if cut > 0 {
            tracing::warn!(connections = cut, "requests were cut off by the shutdown");
        }
        cut
    }
}

fn of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

async fn connection(
    stream: TcpStream,
    service: TowerToHyperService<Router>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    // answers are written whole: waiting for more only delays them
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.headers)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // what goes wrong here is the client's going away: nobody is left to tell
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
