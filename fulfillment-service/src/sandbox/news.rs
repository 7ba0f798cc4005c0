//! The way of the carrier's news to the shop.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::Method;
use chrono::{DateTime, Utc};
use platform::{App, Clock, Outside, Refused, Trace, is_about_the_request};
use serde_json::{Value, json};
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    time::timeout,
};
use tracing::warn;

use super::Sandbox;
use crate::domain::{CarrierNews, NewsRefusal, Progress};

/// What a shop says to news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Accepted,
    /// To be told again.
    NotNow,
    /// It knows no such parcel.
    Unknown,
}

/// From now on the carrier tells this shop. `shop`: the running fulfillment service.
pub fn connect(carrier: &Sandbox, shop: App) {
    carrier.tell(move |news| {
        let shop = shop.clone();
        async move {
            match shop.execute(news, Trace::new()).await {
                Ok(()) => Heard::Accepted,
                Err(Refused::By(NewsRefusal::NoSuchParcel)) => Heard::Unknown,
                Err(_) => Heard::NotNow,
            }
        }
    });
}

/// From now on the carrier tells the shop behind this address, its webhook.
pub fn connect_to(carrier: &Sandbox, webhook: &str) {
    let post = Arc::new(Post::new(webhook));
    carrier.tell(move |news| {
        let post = post.clone();
        async move { post.tell(news).await }
    });
}

/// Letters in a bag at most.
const MOST: usize = 100;

/// A bag that is not answered within that time is brought again: a shop that hangs must not keep back the news for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// One bag of news is on its way at a time; what is told meanwhile goes with the next.
struct Post {
    shop: Outside,
    clock: Clock,
    waiting: Mutex<Vec<Letter>>,
    /// Whose turn it is to carry, and how many letters go into the next bag: half as many when the shop has refused one (it may be too
    /// long, or one letter is wrong), one more when it has not.
    turn: tokio::sync::Mutex<usize>,
}

type Letter = (Value, oneshot::Sender<Heard>);

impl Post {
    fn new(webhook: &str) -> Self {
        Self {
            shop: Outside::new(webhook),
            clock: Clock::system(),
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::new(MOST),
        }
    }

    async fn tell(&self, news: CarrierNews) -> Heard {
        let (answer, mut heard) = oneshot::channel();
        self.letters().push((letter(&news, self.clock.now()), answer));
        let mut most = self.turn.lock().await;
        loop {
            // It went with the bag of somebody before, or goes with this one, or there is a full bag of others in front.
            match heard.try_recv() {
                Ok(heard) => return heard,
                Err(TryRecvError::Closed) => return Heard::NotNow, // whoever carried it gave up
                Err(TryRecvError::Empty) => self.carry(&mut most).await,
            }
        }
    }

    /// Brings what waits, not more than `most`. What the shop refuses as it is goes back to the front.
    async fn carry(&self, most: &mut usize) {
        let bag: Vec<_> = {
            let mut waiting = self.letters();
            let full = waiting.len().min(*most);
            waiting.drain(..full).collect()
        };
        let body = json!({ "news": bag.iter().map(|(letter, _)| letter).collect::<Vec<_>>() });
        let call = self.shop.call(Method::POST, "/batch", None, Some(&body));
        let said = match timeout(PATIENCE, call).await {
            Ok(Ok((status, body))) if status.is_success() => {
                *most = (*most + 1).min(MOST);
                results(&body)
            }
            Ok(Ok((status, _))) => {
                warn!(%status, letters = bag.len(), "the shop refuses the carrier's news");
                if bag.len() > 1 && is_about_the_request(status) {
                    *most = bag.len() / 2;
                    self.letters().splice(..0, bag);
                    return;
                }
                vec![]
            }
            Ok(Err(_)) | Err(_) => vec![],
        };
        let said = said.into_iter().chain(std::iter::repeat(Heard::NotNow));
        for ((_, answer), heard) in bag.into_iter().zip(said) {
            answer.send(heard).ok(); // nobody waits: it is found again at the next start
        }
    }

    fn letters(&self) -> MutexGuard<'_, Vec<Letter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn letter(news: &CarrierNews, now: DateTime<Utc>) -> Value {
    let (status, at) = match news.progress {
        Progress::PickedUp => ("PICKED_UP", now),
        Progress::Delivered { at } => ("DELIVERED", at),
    };
    json!({ "orderId": news.order_id, "trackingNumber": news.tracking_number, "status": status, "at": at })
}

/// What became of each, in the order of the news.
fn results(body: &[u8]) -> Vec<Heard> {
    let heard = |told: &Value| match told["status"].as_u64() {
        Some(200..300) => Heard::Accepted,
        Some(404) => Heard::Unknown,
        _ => Heard::NotNow,
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["results"].as_array().into_iter().flatten().map(heard).collect()
}
