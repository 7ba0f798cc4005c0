//! Outbox messages, parked records and dead letters, read from the metrics of each process at its
//! own address. Unavailable metrics are an error, never a zero.

use std::{collections::BTreeMap, net::SocketAddr};

use events::service;
use futures_util::future::try_join_all;
use hyper::Method;

use crate::client::{CallError, Client, call};

/// Leftovers of one service. Its instances share its tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Messages that are not published yet.
    pub outbox: u64,
    /// Parked records by topic.
    pub parked: BTreeMap<String, u64>,
    /// Dead letters by topic.
    pub dead_letters: BTreeMap<String, u64>,
}

/// Leftovers by service.
pub type ByService = BTreeMap<String, Leftovers>;

/// Why leftovers are unknown.
#[derive(Debug, thiserror::Error)]
pub enum Unasked {
    #[error("/metrics of the process at {process} is unavailable: {source}")]
    Call { process: SocketAddr, source: CallError },
    #[error(
        "the process at {process} has no {OUTBOX} at /metrics: its database is unavailable, or its version is too old"
    )]
    Silent { process: SocketAddr },
    #[error("the process at {process} has no {metric} of {service}")]
    Missing { process: SocketAddr, metric: &'static str, service: String },
    #[error("none of the processes {asked:?} serves {}: name every process", .services.join(", "))]
    Unknown { services: Vec<&'static str>, asked: Vec<SocketAddr> },
}

const OUTBOX: &str = "uzon_outbox_messages";
const PARKED: &str = "uzon_parked";
const DEAD_LETTERS: &str = "uzon_dead_letters";

/// Reads the metrics of all processes. Every service must be served by one of them.
pub async fn leftovers(processes: &[SocketAddr]) -> Result<ByService, Unasked> {
    let answers = processes.iter().map(|&process| async move { read(process, &metrics(process).await?) });
    let mut all = ByService::new();
    for (service, leftovers) in try_join_all(answers).await?.into_iter().flatten() {
        all.entry(service).or_default().merge(leftovers);
    }
    let services: Vec<_> = service::ALL.into_iter().filter(|service| !all.contains_key(*service)).collect();
    if services.is_empty() { Ok(all) } else { Err(Unasked::Unknown { services, asked: processes.to_vec() }) }
}

async fn metrics(process: SocketAddr) -> Result<String, Unasked> {
    let path = "/metrics";
    let asked = async {
        let answer = Client::new(process).send(call(Method::GET, path)).await?;
        if answer.status.is_success() {
            return Ok(answer.text());
        }
        Err(CallError::Refused { path: path.to_owned(), status: answer.status, body: answer.text() })
    };
    asked.await.map_err(|source| Unasked::Call { process, source })
}

/// Reads the leftovers of the services of one process. The sandbox subscribes to nothing and has no
/// topics.
pub(super) fn read(process: SocketAddr, metrics: &str) -> Result<ByService, Unasked> {
    let mut outbox = BTreeMap::<&str, u64>::new();
    let (mut parked, mut dead_letters) = (Counts::new(), Counts::new());
    for line in metrics.lines().filter_map(Line::read) {
        let Some(service) = line.label("service") else { continue };
        let topic = line.label("topic").unwrap_or_default().to_owned();
        let counts = match line.name {
            PARKED => &mut parked,
            DEAD_LETTERS => &mut dead_letters,
            OUTBOX => {
                outbox.insert(service, line.value);
                continue;
            }
            _ => continue,
        };
        counts.entry(service).or_default().insert(topic, line.value);
    }
    if outbox.is_empty() {
        return Err(Unasked::Silent { process });
    }
    let of = |counts: &mut Counts, metric, service: &str| match counts.remove(service) {
        None if service::ALL.contains(&service) => {
            Err(Unasked::Missing { process, metric, service: service.to_owned() })
        }
        found => Ok(found.unwrap_or_default()),
    };
    let mut found = ByService::new();
    for (service, outbox) in outbox {
        let parked = of(&mut parked, PARKED, service)?;
        let dead_letters = of(&mut dead_letters, DEAD_LETTERS, service)?;
        found.insert(service.to_owned(), Leftovers { outbox, parked, dead_letters });
    }
    Ok(found)
}

/// Counts by service and topic.
type Counts<'a> = BTreeMap<&'a str, BTreeMap<String, u64>>;

/// A line in the text format of Prometheus with an integer value.
#[derive(Debug)]
struct Line<'a> {
    name: &'a str,
    labels: &'a str,
    value: u64,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (name, rest) = line.split_once('{')?;
        let (labels, value) = rest.rsplit_once("} ")?;
        Some(Self { name, labels, value: value.parse().ok()? })
    }

    /// The value of a label. Names of services and topics contain neither commas nor quotation
    /// marks.
    fn label(&self, name: &str) -> Option<&'a str> {
        let mut labels = self.labels.split(',').filter_map(|label| label.split_once('='));
        labels.find(|(it, _)| *it == name).map(|(_, value)| value.trim_matches('"'))
    }
}

impl Leftovers {
    /// Merges the counts of another instance, which has read the same tables a moment earlier or
    /// later.
    fn merge(&mut self, other: Self) {
        self.outbox = self.outbox.max(other.outbox);
        for (ours, theirs) in [(&mut self.parked, other.parked), (&mut self.dead_letters, other.dead_letters)] {
            for (topic, count) in theirs {
                let known = ours.entry(topic).or_default();
                *known = count.max(*known);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::system::free_address;

    const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

    /// Metrics of a process that serves this service.
    fn metrics(service: &str, outbox: u64, parked: u64, dead_letters: u64) -> String {
        format!(
            "# TYPE uzon_outbox_messages gauge\nuzon_outbox_messages{{service=\"{service}\"}} {outbox}\n\
             uzon_outbox_messages_total 9\nuzon_parked{{service=\"{service}\",topic=\"a\"}} 0\n\
             uzon_parked{{service=\"{service}\",topic=\"b\"}} {parked}\n\
             uzon_dead_letters{{topic=\"b\",service=\"{service}\"}} {dead_letters}\nhttp_requests_in_flight 3\n"
        )
    }

    /// Starts a server that gives the same answer to every request. Returns its address.
    async fn serving(status: &'static str, body: String) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        address
    }

    #[test]
    fn counts_are_read_by_service_and_topic() {
        let text = metrics("payment", 1, 2, 3) + &metrics("order", 4, 0, 0);
        let found = read(HERE, &text).unwrap();
        let by_topic =
            |counts: &[(&str, u64)]| counts.iter().map(|(topic, count)| ((*topic).to_owned(), *count)).collect();
        let payment =
            Leftovers { outbox: 1, parked: by_topic(&[("a", 0), ("b", 2)]), dead_letters: by_topic(&[("b", 3)]) };
        assert_eq!(found["payment"], payment);
        assert_eq!((found.len(), found["order"].outbox), (2, 4));
    }

    #[test]
    fn a_missing_gauge_is_an_error_and_not_zero() {
        let text = metrics("payment", 0, 0, 0);
        let without = |name: &str| {
            let lines: Vec<_> = text.lines().filter(|line| !line.starts_with(&format!("{name}{{"))).collect();
            read(HERE, &lines.join("\n")).unwrap_err().to_string()
        };
        assert!(without(OUTBOX).contains("127.0.0.1:1 has no uzon_outbox_messages"));
        assert!(without(PARKED).contains("has no uzon_parked of payment"));
        assert!(without(DEAD_LETTERS).contains("has no uzon_dead_letters of payment"));
        let sandbox = read(HERE, "uzon_outbox_messages{service=\"sandbox_payment\"} 0\n").unwrap();
        assert_eq!(sandbox["sandbox_payment"], Leftovers::default(), "it subscribes to nothing");
    }

    #[tokio::test]
    async fn every_process_is_read_at_its_own_address() {
        let mut processes = vec![];
        for (service, outbox) in service::ALL.into_iter().zip(0..) {
            processes.push(serving("200 OK", metrics(service, outbox, 0, 1)).await);
        }
        let found = leftovers(&processes).await.unwrap();
        assert_eq!(found.values().map(|left| left.outbox).sum::<u64>(), 15);
        assert!(found.values().all(|left| left.dead_letters["b"] == 1), "{found:?}");

        // A second instance shares the tables.
        processes.push(serving("200 OK", metrics("order", 7, 0, 1)).await);
        let found = leftovers(&processes).await.unwrap();
        assert_eq!((found["order"].outbox, found["order"].dead_letters["b"]), (7, 1));

        let missing = leftovers(&processes[..5]).await.unwrap_err();
        assert!(matches!(&missing, Unasked::Unknown { services, .. } if *services == ["analytics"]), "{missing}");
        assert!(matches!(leftovers(&[]).await, Err(Unasked::Unknown { .. })));
        for nobody in [serving("404 Not Found", String::new()).await, free_address().unwrap()] {
            processes[5] = nobody;
            let error = leftovers(&processes).await.unwrap_err();
            assert!(matches!(&error, Unasked::Call { process, .. } if *process == nobody), "{error}");
        }
    }
}
