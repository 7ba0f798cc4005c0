//! What fails is set aside: nothing else waits for it but its own successors, and nothing is lost.

use std::sync::atomic::Ordering;

use bus::{Outgoing, codec};
use events::envelope;
use saga::tables::parked;
use store::bulk;
use uuid::Uuid;

use crate::{
    ledger::{BREAKS_LOAD, MONEY, PANICS, PAPERS, TOO_MUCH},
    stage::{Stage, eventually},
};

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);
const C: Uuid = Uuid::from_u128(0xc);
const D: Uuid = Uuid::from_u128(0xd);

/// The ones that go wrong, and what they leave: the panicking one after it has changed something.
const POISON: [(i64, &str); 3] =
    [(PANICS, "panic: this amount panics"), (BREAKS_LOAD, "panic: this breaks the load"), (TOO_MUCH, "data refused")];

#[tokio::test]
async fn an_offender_stands_alone() {
    for (amount, why) in POISON {
        let mut stage = Stage::new().await;
        stage.panic(true);
        let poison = stage.deposit(A, amount);
        // Before and behind it others, of other keys, of its own, and its own on another topic; all in one batch.
        stage.send((1..=10).map(|amount| stage.deposit(B, amount))).await;
        stage.send([stage.deposit(A, 1), poison.clone(), stage.mark(PAPERS, A, "paper")]).await;
        stage.send((11..=20).map(|amount| stage.deposit(B, amount))).await;
        stage.send([stage.deposit(A, 2), stage.deposit(A, 3)]).await;
        stage.start().await;
        stage.settle().await;

        assert_eq!(stage.log(A), "+1 paper", "nothing of the offender is saved: {why}");
        assert_eq!(stage.log(B).split(' ').count(), 20, "{why}");
        stage.parked_is(&["FAILING", "QUEUED", "QUEUED"]).await;
        let parked = "SELECT record, error, attempts FROM parked ORDER BY position LIMIT 1";
        let (record, error, attempts) = stage.database.ask::<(Vec<u8>, String, i32)>(parked).pop().unwrap();
        assert_eq!(codec::decode(record.into()).unwrap(), [poison], "as it came, byte for byte");
        assert!(error.contains(why), "{error}");
        assert_eq!(attempts, 1);
        stage.all_is_said().await;
    }
}

/// The previous owner of a partition may park a record after the new owner has loaded its queues, and before it has committed
/// the offset: then the record is delivered again. It must wait for its turn in the queue, and leave nothing parked.
#[tokio::test]
async fn a_record_that_another_process_has_parked_is_decided_once_and_leaves_its_queue() {
    let stage = Stage::started().await;
    stage.settle().await; // the queues are loaded: there are none
    let (first, second) = (stage.deposit(A, 1), stage.deposit(A, 2));
    let id = std::str::from_utf8(first.message.header(envelope::ID).unwrap()).unwrap().parse().unwrap();
    let row = parked::Model {
        id,
        participant: "ledger".to_owned(),
        key: A.to_string(),
        topic: MONEY.to_owned(),
        partition: 0,
        position: 0,
        record: codec::encode_all(std::slice::from_ref(&first)),
        state: "FAILING".to_owned(),
        error: "a failure".to_owned(),
        attempts: 1,
        first_failed_at: stage.clock.now(),
        next_try: stage.clock.now(),
    };
    let db = stage.database.open().await;
    let tx = db.begin().await.unwrap();
    bulk::insert::<parked::Entity>(&tx, vec![row]).await.unwrap();
    tx.commit().await.unwrap();

    stage.send([first, second]).await;
    stage.settle().await;
    stage.log_is(A, "+1 +2").await;
    stage.parked_is(&[]).await;
    stage.all_is_said().await;
}

#[tokio::test]
async fn two_offenders_in_one_batch() {
    let mut stage = Stage::new().await;
    stage.panic(true);
    for key in [A, B] {
        stage.send([stage.deposit(key, 1), stage.deposit(key, PANICS), stage.deposit(key, 2)]).await;
    }
    stage.start().await;
    stage.settle().await;
    assert_eq!((stage.log(A).as_str(), stage.log(B).as_str()), ("+1", "+1"));
    assert_eq!(stage.parked(), ["FAILING", "QUEUED", "FAILING", "QUEUED"]);
}

#[tokio::test]
async fn success_drains_the_queue_in_order() {
    let stage = Stage::started().await;
    stage.panic(true);
    stage.send([stage.deposit(A, PANICS)]).await;
    stage.send((1..=200).map(|amount| stage.deposit(A, amount))).await; // more than is tried in one go
    stage.settle().await;
    assert_eq!(stage.log(A), "");
    stage.panic(false);
    stage.advance(1000);
    let order: Vec<_> = [PANICS].into_iter().chain(1..=200).map(|amount| format!("+{amount}")).collect();
    stage.log_is(A, &order.join(" ")).await;
    stage.send([stage.deposit(A, 500)]).await; // the queue is gone: straight through, or at the end of it
    stage.log_is(A, &[&*order.join(" "), "+500"].join(" ")).await;
    stage.parked_is(&[]).await;
    stage.all_is_said().await;
}

/// A head that fails again must not be overtaken by those that wait behind it, although all come in one batch.
#[tokio::test]
async fn a_head_that_fails_again_is_not_overtaken() {
    let stage = Stage::started().await;
    stage.panic(true);
    stage.send([stage.deposit(A, PANICS), stage.deposit(A, 1), stage.deposit(A, 2)]).await;
    stage.settle().await;
    stage.advance(1000);
    let attempts = || stage.count("SELECT max(attempts) FROM parked");
    eventually("it has been tried again", || attempts() == 2).await;
    stage.settle().await;
    assert_eq!(stage.log(A), "");
    stage.parked_is(&["FAILING", "QUEUED", "QUEUED"]).await;
}

#[tokio::test]
async fn after_its_retries_it_is_dead_and_stays() {
    let mut stage = Stage::started().await;
    stage.panic(true);
    stage.send([stage.deposit(A, PANICS), stage.deposit(A, 1)]).await;
    stage.settle().await;
    let attempts = |stage: &Stage| stage.count("SELECT max(attempts) FROM parked");
    for (wait, tried) in [(1000, 2), (2000, 3), (4000, 4)] {
        stage.advance(wait - 1);
        stage.settle().await;
        assert_eq!(attempts(&stage), tried - 1, "not before it is time");
        stage.advance(1);
        eventually("it has been tried again", || attempts(&stage) == tried).await;
    }
    stage.parked_is(&["DEAD", "QUEUED"]).await;
    assert_eq!(stage.classes(MONEY).await, ["failed"]);
    stage.panic(false); // too late
    stage.advance(1_000_000);
    stage.send([stage.deposit(A, 2), stage.mark(PAPERS, A, "paper")]).await;
    stage.settle().await;
    stage.stop().await;
    stage.start().await;
    stage.send([stage.deposit(A, 3)]).await;
    stage.settle().await;
    stage.parked_is(&["DEAD", "QUEUED", "QUEUED", "QUEUED"]).await;
    assert_eq!(stage.log(A), "paper");
    assert_eq!(attempts(&stage), 4);
}

#[tokio::test]
async fn what_is_parked_survives_a_restart() {
    let mut stage = Stage::started().await;
    stage.panic(true);
    stage.send([stage.deposit(A, PANICS), stage.deposit(A, 1)]).await;
    stage.settle().await;
    stage.crash().await;
    stage.start().await;
    stage.send([stage.deposit(A, 2)]).await;
    stage.settle().await;
    stage.parked_is(&["FAILING", "QUEUED", "QUEUED"]).await;
    stage.panic(false);
    stage.advance(1000);
    stage.log_is(A, &format!("+{PANICS} +1 +2")).await;
    stage.parked_is(&[]).await;
    stage.all_is_said().await;
}

#[tokio::test]
async fn repeats_of_what_is_parked_are_parked_once() {
    let stage = Stage::started().await;
    stage.panic(true);
    let (head, tail) = (stage.deposit(A, PANICS), stage.deposit(A, 1));
    stage.send([head.clone(), tail.clone()]).await;
    stage.settle().await;
    stage.send([head.clone(), tail.clone(), tail.clone()]).await;
    stage.settle().await;
    stage.parked_is(&["FAILING", "QUEUED"]).await;
    stage.panic(false);
    stage.advance(1000);
    stage.log_is(A, &format!("+{PANICS} +1")).await;
    stage.send([tail, head, stage.mark(MONEY, A, "end")]).await;
    stage.log_is(A, &format!("+{PANICS} +1 end")).await;
}

#[tokio::test]
async fn what_can_never_be_decided_is_dead_at_once() {
    let stage = Stage::started().await;
    let body = |event: &mut Outgoing, value: &'static [u8]| {
        std::sync::Arc::make_mut(&mut event.message).value = value.into();
    };
    let mut garbled = stage.deposit(Uuid::from_u128(1), 1);
    body(&mut garbled, b"{\"amount\":");
    let version = stage.event(MONEY, Uuid::from_u128(2), "Deposited.v2", &serde_json::json!({ "amount": 1 }));
    let rejected = stage.event(MONEY, Uuid::from_u128(3), "Forged.v1", &serde_json::json!({}));
    let mut keyless = stage.deposit(A, 1);
    std::sync::Arc::make_mut(&mut keyless.message).key = b"\xff no id".as_slice().into();
    let mut bare = stage.deposit(Uuid::from_u128(4), 1);
    std::sync::Arc::make_mut(&mut bare.message).headers.clear();
    let letters = [garbled, version, rejected, keyless, bare];
    let mut sent = vec![stage.deposit(B, 1)];
    for letter in &letters {
        sent.extend([letter.clone(), stage.deposit(B, 2)]);
    }
    stage.send(sent).await;
    stage.settle().await;
    assert_eq!(stage.log(B), "+1 +2 +2 +2 +2 +2", "the others go on");
    stage.parked_is(&["DEAD"; 5]).await;
    let records = stage.database.ask::<(Vec<u8>,)>("SELECT record FROM parked ORDER BY position");
    let records: Vec<_> =
        records.into_iter().map(|(record,)| codec::decode(record.into()).unwrap().remove(0)).collect();
    assert_eq!(records, letters);
    assert_eq!(stage.classes(MONEY).await, ["rejected", "undecodable", "undecodable", "undecodable", "undecodable"]);
    // Behind a dead letter its successors wait.
    stage.send([2, 3].map(|key| stage.deposit(Uuid::from_u128(key), 1))).await;
    stage.settle().await;
    stage.parked_is(&["DEAD", "DEAD", "DEAD", "DEAD", "DEAD", "QUEUED", "QUEUED"]).await;
}

/// Who watches the bus sees each dead letter as it came, and what became of it.
#[tokio::test]
async fn a_dead_letter_is_on_the_bus_too() {
    let stage = Stage::started().await;
    let version = stage.event(MONEY, A, "Deposited.v2", &serde_json::json!({ "amount": 1 }));
    let mut long = stage.event(MONEY, B, "Deposited.v2", &serde_json::json!({ "amount": 1 }));
    std::sync::Arc::make_mut(&mut long.message).value = vec![b'x'; 1_000_000].into();
    let mut laden = stage.event(MONEY, C, "Deposited.v2", &serde_json::json!({ "amount": 1 }));
    let burden = vec![b'x'; 1_100_000].into();
    std::sync::Arc::make_mut(&mut laden.message).headers.push(("burden".into(), burden));
    let mut nobodys = stage.deposit(A, 1);
    std::sync::Arc::make_mut(&mut nobodys.message).key = vec![b'k'; 1_100_000].into();
    let endless = stage.event(MONEY, D, &format!("Deposited.v{}", "9".repeat(5000)), &serde_json::json!({}));
    stage.send([version.clone(), long, laden, nobodys, endless]).await;
    stage.settle().await;
    stage.all_is_said().await;

    let letters = stage.letters(MONEY).await;
    assert_eq!(letters.len(), 5);
    assert!(letters.iter().all(|it| it.size() <= 1_000_100));
    let of = |key: Uuid| letters.iter().find(|it| *it.key == *key.to_string().as_bytes()).expect("a letter");
    let header = |key: Uuid, name: &str| of(key).header(name).map(|it| String::from_utf8(it.to_vec()).unwrap());
    let came = &version.message.headers;
    assert_eq!(of(A).headers[..came.len()], came[..], "what it came with comes first");
    assert_eq!(of(A).value, version.message.value);
    let headers = ["dlq-topic", "dlq-group", "dlq-error", "dlq-error-class", "dlq-attempts", "dlq-first-failed-at"];
    let headers = headers.map(|name| header(A, name).unwrap());
    let error = "unknown version: Deposited.v2";
    assert_eq!(headers, [MONEY, "ledger", error, "undecodable", "1", "2026-09-21T14:13:20.000Z"]);
    assert!(header(A, "dlq-partition").is_some() && header(A, "dlq-offset").as_deref() == Some("0"));
    assert_eq!(header(A, "dlq-value-left-out"), None);

    // None is too long for a broker.
    assert!(of(B).value.is_empty());
    assert_eq!(header(B, "dlq-value-left-out").as_deref(), Some("1000000"));
    assert_eq!(header(B, "dlq-error").as_deref(), Some(error));
    assert_eq!(header(C, "dlq-headers-left-out").as_deref(), Some("5"));
    assert_eq!(&of(C).value[..], br#"{"amount":1}"#);
    assert_eq!(header(D, "dlq-error").unwrap().len(), 2000);
    assert!(letters.iter().any(|it| it.key.is_empty() && it.header("dlq-value-left-out").is_some()));
}

/// An undecodable record that comes again, because its position was not committed, is the same dead letter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_buried_once() {
    let mut stage = Stage::new().await;
    let version = stage.event(MONEY, A, "Deposited.v2", &serde_json::json!({ "amount": 1 }));
    stage.send([version, stage.mark(MONEY, B, "gate")]).await; // taken together
    stage.start().await;
    eventually("it is past the first", || stage.gate.reached.load(Ordering::SeqCst)).await;
    assert_eq!(stage.parked(), ["DEAD"]);
    stage.crash().await;
    stage.start().await;
    stage.settle().await;
    assert_eq!(stage.parked(), ["DEAD"]);
    stage.all_is_said().await;
    let copies = stage.letters(MONEY).await;
    assert!(!copies.is_empty() && copies.iter().all(|it| **it == *copies[0]), "each time the same: {copies:?}");
}

/// The order is that of the log, whatever the ids say: they are somebody else's, and an unreadable record has none.
#[tokio::test]
async fn a_queue_has_the_order_of_the_log() {
    let mut stage = Stage::started().await;
    stage.panic(true);
    let (third, second, first) = (stage.deposit(A, 3), stage.deposit(A, 2), stage.deposit(A, PANICS));
    assert!(first.message.headers[0] > second.message.headers[0], "ids fall");
    stage.send([first, second, third]).await;
    stage.settle().await;
    stage.panic(false);
    stage.advance(1000);
    stage.log_is(A, &format!("+{PANICS} +2 +3")).await;

    let keys: Vec<_> = (1..=8).map(Uuid::from_u128).collect(); // whatever the ids of their dead letters may be
    for key in &keys {
        let unreadable = stage.event(MONEY, *key, "Deposited.v2", &serde_json::json!({}));
        stage.send([unreadable, stage.deposit(*key, 1)]).await;
    }
    stage.settle().await;
    stage.crash().await;
    stage.start().await;
    stage.settle().await;
    assert!(keys.iter().all(|key| stage.log(*key).is_empty()), "a dead letter is overtaken");
}

#[tokio::test]
async fn what_is_held_goes_on_with_any_decision_about_its_key() {
    let mut stage = Stage::started().await;
    stage.send([stage.withdrawal(A, 1), stage.deposit(A, 2)]).await;
    stage.settle().await;
    stage.parked_is(&["HELD", "QUEUED"]).await;
    stage.crash().await;
    stage.start().await;
    stage.send([stage.mark(PAPERS, A, "vain")]).await; // tried, and held again
    stage.settle().await;
    stage.parked_is(&["HELD", "QUEUED"]).await;
    stage.send([stage.licence(A)]).await;
    stage.log_is(A, "vain licensed -1 +2").await;
    stage.parked_is(&[]).await;
    stage.all_is_said().await;
}

/// The prerequisite may be decided by another process.
#[tokio::test]
async fn what_is_held_goes_on_when_another_process_has_decided() {
    let stage = Stage::started().await;
    stage.send([stage.deposit(A, 2), stage.withdrawal(A, 1)]).await;
    stage.settle().await;
    stage.parked_is(&["HELD"]).await;
    stage.settle().await; // the deposit had it tried once more, which is over before the next batch
    stage.sql("UPDATE accounts SET licensed = TRUE").await;
    stage.advance(999);
    stage.settle().await;
    stage.parked_is(&["HELD"]).await;
    stage.advance(1);
    stage.log_is(A, "+2 -1").await;
    stage.parked_is(&[]).await;
}

#[tokio::test]
async fn what_is_held_and_what_it_waits_for_in_one_batch() {
    let mut stage = Stage::new().await;
    stage.send([stage.withdrawal(A, 1), stage.deposit(A, 2), stage.licence(A), stage.deposit(A, 3)]).await;
    stage.start().await;
    stage.log_is(A, "licensed -1 +2 +3").await;
    stage.all_is_said().await;
}

/// What one batch has together need not be written down to wait, and tried once more.
#[tokio::test]
async fn what_waits_for_another_of_its_batch_is_not_parked() {
    let mut stage = Stage::started().await;
    stage.stop().await; // the tables are there
    stage.database.refuse("never", "INSERT", "parked", "NEW.state = 'HELD'").await;
    stage.send([stage.withdrawal(A, 1), stage.deposit(A, 2), stage.deposit(B, 3), stage.licence(A)]).await;
    stage.start().await;
    stage.log_is(A, "licensed -1 +2").await;
    stage.log_is(B, "+3").await;
    stage.all_is_said().await;
}

#[tokio::test]
async fn holding_for_too_long_is_failing() {
    let stage = Stage::started().await;
    stage.send([stage.withdrawal(A, 1)]).await;
    stage.settle().await;
    stage.advance(299_999);
    stage.settle().await;
    stage.parked_is(&["HELD"]).await;
    stage.advance(1);
    stage.parked_is(&["FAILING"]).await;
    for (wait, tried) in [(1000, 2), (2000, 3), (4000, 4)] {
        stage.advance(wait);
        eventually("it is tried again", || stage.count("SELECT attempts FROM parked") == tried).await;
    }
    stage.parked_is(&["DEAD"]).await;
    assert_eq!(stage.classes(MONEY).await, ["unmet"]);
}

/// Time spent in the queue is not held against a record that must then wait itself.
#[tokio::test]
async fn patience_begins_when_it_is_tried() {
    let stage = Stage::started().await;
    stage.panic(true);
    stage.send([stage.deposit(A, PANICS), stage.withdrawal(A, 1)]).await;
    stage.settle().await;
    stage.panic(false);
    stage.advance(600_000);
    stage.log_is(A, &format!("+{PANICS}")).await;
    stage.parked_is(&["HELD"]).await;
}

/// A failing record is given time, however much is decided about its key meanwhile.
#[tokio::test]
async fn decisions_about_its_key_do_not_use_up_the_attempts_of_what_fails() {
    let stage = Stage::started().await;
    stage.panic(true);
    stage.send([stage.deposit(A, PANICS)]).await;
    for n in 0..10 {
        stage.send([stage.mark(PAPERS, A, &n.to_string())]).await;
        stage.settle().await;
    }
    stage.parked_is(&["FAILING"]).await;
    assert_eq!(stage.count("SELECT attempts FROM parked"), 1);
}
