//! The provider's API.

use sandbox::payment_provider::{PaymentProvider, Settings};
use serde_json::json;
use testkit::Fixture;

#[tokio::test]
async fn an_impossible_behaviour_is_refused() {
    let provider = PaymentProvider::new(&Settings::default());
    let running = Fixture::start(provider.service()).await;
    let put = async |body| running.send("PUT", "/sandbox/payment-provider/behaviour", &[], Some(&body)).await;
    let wrong = put(json!({ "latencyMs": { "min": 9, "max": 1 }, "errorRate": 2.0, "timeoutRate": 0.5 })).await;
    let errors = wrong.json()["errors"].as_array().cloned().unwrap_or_default();
    let fields: Vec<_> = errors.iter().map(|it| it["field"].clone()).collect();
    assert_eq!((wrong.status, fields), (422, vec![json!("latencyMs"), json!("errorRate"), json!("errorRate")]));
    assert_eq!(put(json!({ "mood": "bad" })).await.status, 400);
    assert_eq!(provider.behaviour(), PaymentProvider::new(&Settings::default()).behaviour(), "nothing has changed");
    running.stop().await;
}
