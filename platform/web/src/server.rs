//! The HTTP server: listens, serves, and shuts down in bounded time.

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

/// The limits for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of a request body in bytes. A route can have its own limit (`DefaultBodyLimit`).
    pub body: usize,
    /// Maximum size of all headers of a request in bytes.
    pub headers: usize,
    /// Time limit for the headers of a request, and for an idle connection.
    pub header_time: Duration,
    /// Time limit until the response begins. Includes the arrival of the request's body.
    pub request_time: Duration,
    pub connections: usize,
    /// Maximum number of open event streams.
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

/// The reason why the server cannot listen.
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
    /// Binds the address. Port 0 is any free port; see [`Server::address`].
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

    /// Serves until `shutdown`. Then accepts no more connections, and gives requests in flight `grace` to finish.
    /// Returns the number of connections that were cut.
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
                        // most likely there are no free file handles: an immediate retry would waste CPU
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
    // responses are written as a whole: Nagle's algorithm would only delay them
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.headers)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // an error here means that the client has disconnected
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
