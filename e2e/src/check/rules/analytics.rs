//! The dashboard's totals agree with the orders and with the provider's ledger.

use std::collections::BTreeMap;

use events::{Currency, OrderStatus};
use uuid::Uuid;

use crate::{
    check::{Facts, Findings},
    model::OrderSummary,
};

pub fn check(facts: &Facts, found: &mut Findings) {
    let Some(dashboard) = facts.whole.as_ref().and_then(|whole| whole.dashboard.as_ref()) else { return };
    let count = |status| u64::try_from(facts.with_status(status).count()).expect("fits");
    let ended = [OrderStatus::Delivered, OrderStatus::Cancelled, OrderStatus::Failed].map(count);
    let placed = facts.orders.len() as u64;
    let shown = &dashboard.orders;
    for (name, shown, real) in [
        ("placed", shown.placed, placed),
        ("delivered", shown.delivered, ended[0]),
        ("cancelled", shown.cancelled, ended[1]),
        ("failed", shown.failed, ended[2]),
        ("open", shown.open, placed - ended.iter().sum::<u64>()),
    ] {
        found.expect(shown == real, "analytics-orders", None, format!("{name}: shown {shown}, counted {real}"));
    }
    let failures: u64 = dashboard.failures.iter().map(|failure| failure.orders).sum();
    let bad = ended[1] + ended[2];
    found.expect(failures == bad, "analytics-failures", None, format!("{failures} by reason, {bad} counted"));
    money(facts, found);
}

/// Charged and refunded totals per currency, in hundredths.
fn money(facts: &Facts, found: &mut Findings) {
    let Some(dashboard) = facts.whole.as_ref().and_then(|whole| whole.dashboard.as_ref()) else { return };
    let orders: BTreeMap<Uuid, &OrderSummary> = facts.orders.iter().map(|order| (order.order_id, order)).collect();
    let mut real = BTreeMap::<Currency, (i64, i64)>::new();
    for (id, account) in facts.account() {
        let Some(order) = orders.get(&id) else { continue }; // reported as a charge without an order
        let sums = real.entry(order.currency).or_default();
        sums.0 += account.charged();
        sums.1 += account.refunded();
    }
    let lines = dashboard.revenue.iter();
    let shown: BTreeMap<Currency, _> =
        lines.map(|line| (line.currency, (line.charged.minor(), line.refunded.minor()))).collect();
    let currencies = real.keys().chain(shown.keys());
    for currency in currencies.collect::<std::collections::BTreeSet<_>>() {
        let (real, shown) =
            (real.get(currency).copied().unwrap_or_default(), shown.get(currency).copied().unwrap_or_default());
        let detail = format!(
            "{currency:?}, charged and refunded in hundredths: shown {shown:?}, the provider's ledger has {real:?}"
        );
        found.expect(shown == real, "analytics-money", None, detail);
    }
    for line in &dashboard.revenue {
        let net = line.charged.minor() - line.refunded.minor();
        found.expect(line.net.minor() == net, "analytics-money", None, format!("{line:?}: net would be {net}"));
    }
}
