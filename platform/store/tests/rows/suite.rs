//! Rows and statements of many rows, on a database; and what the errors of a database mean.

pub mod tables;

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use sea_orm::{EntityTrait, IntoActiveModel, QueryOrder, sea_query::Expr};
use store::{Db, Rows, StoreError, Tx, bulk};

use self::tables::{Key, entry, key, line, sample, with_tables};
use crate::database::Database;

async fn open() -> (Database, Db) {
    let database = with_tables().await;
    let db = database.open().await;
    (database, db)
}

async fn stored(db: &Db) -> BTreeMap<Key, i64> {
    let rows = line::Entity::find().order_by_asc(line::Column::Sheet).all(db.reader()).await.unwrap();
    rows.into_iter()
        .map(|row| {
            assert_eq!(row, line((row.sheet, row.number), row.amount), "no column is mixed up with another");
            ((row.sheet, row.number), row.amount)
        })
        .collect()
}

/// One batch: what becomes of each key. `None`: it is removed, `Some`: it is so much then.
type Batch = Vec<(u8, i32, Option<i64>)>;

/// The same done with `Rows` and to a map.
async fn apply(db: &Db, map: &mut BTreeMap<Key, i64>, batch: &Batch) {
    let tx = db.begin().await.unwrap();
    let keys = || batch.iter().map(|(sheet, number, _)| key(*sheet, *number));
    let mut rows = Rows::<line::Entity>::lock(&tx, keys().collect::<Vec<_>>()).await.unwrap();
    let mut gone = vec![];
    for (key, to) in keys().zip(batch.iter().map(|it| it.2)) {
        if gone.contains(&key) {
            continue; // what is removed in a batch is not touched again in it
        }
        assert_eq!(rows.get(&key).map(|row| row.amount), map.get(&key).copied());
        match to {
            None => {
                if map.remove(&key).is_some() {
                    gone.push(key);
                }
            }
            Some(amount) => {
                map.insert(key, amount);
                match rows.get_mut(&key) {
                    Some(row) => *row = line(key, amount),
                    None => {
                        rows.insert(line(key, amount));
                    }
                }
            }
        }
    }
    rows.save(&tx).await.unwrap();
    let removed = bulk::delete::<line::Entity>(&tx, &gone).await.unwrap();
    assert_eq!(removed, gone.len() as u64);
    tx.commit().await.unwrap();
}

#[test]
fn rows_are_what_a_map_would_be() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (database, db) = runtime.block_on(open());
    let change = (0..4_u8, 0..20_i32, proptest::option::weighted(0.8, 0..1000_i64));
    let batches = vec(vec(change, 0..60), 1..8);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&batches, |batches: Vec<Batch>| {
            runtime.block_on(async {
                database.run("DELETE FROM sheet_lines").await;
                let mut map = BTreeMap::new();
                for batch in &batches {
                    apply(&db, &mut map, batch).await;
                    assert_eq!(stored(&db).await, map);
                }
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn more_rows_than_a_statement_takes() {
    let (_database, db) = open().await;
    let mut map = BTreeMap::new();
    let all = |amount: Option<i64>| (0..1300).map(|n| (u8::try_from(n % 3).unwrap(), n, amount)).collect::<Batch>();
    for amount in [Some(1), Some(2), None, Some(3)] {
        apply(&db, &mut map, &all(amount)).await;
        assert_eq!(stored(&db).await, map);
        assert_eq!(map.len(), if amount.is_some() { 1300 } else { 0 });
    }
}

#[tokio::test]
async fn keys_that_the_database_hands_out() {
    let (_database, db) = open().await;
    let entries: Vec<_> = (0..700).map(|n| entry::Model { id: 0, text: n.to_string() }).collect();
    let tx = db.begin().await.unwrap();
    bulk::insert::<entry::Entity>(&tx, entries.clone()).await.unwrap();
    tx.commit().await.unwrap();
    let rows = entry::Entity::find().order_by_asc(entry::Column::Id).all(db.reader()).await.unwrap();
    assert!(rows.iter().map(|row| row.id).eq(1..=700));
    assert!(rows.iter().map(|row| &row.text).eq(entries.iter().map(|entry| &entry.text)));
}

#[tokio::test]
async fn a_row_that_somebody_else_has_inserted_is_a_conflict() {
    let (_database, db) = open().await;
    let error = refused(&db, async |tx| {
        let mut rows = Rows::<line::Entity>::lock(tx, [key(1, 1), key(1, 2)]).await.unwrap();
        let unseen = line::Entity::insert(line(key(1, 2), 7).into_active_model());
        tx.execute(unseen).await.unwrap(); // not seen by the rows
        rows.insert(line(key(1, 1), 1));
        rows.insert(line(key(1, 2), 2));
        rows.save(tx).await
    })
    .await;
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    assert!(stored(&db).await.is_empty(), "nothing of it stays");
}

#[tokio::test]
async fn what_is_only_looked_at_is_not_written() {
    let (database, db) = open().await;
    let mut map = BTreeMap::new();
    apply(&db, &mut map, &vec![(1, 1, Some(1)), (1, 2, Some(2))]).await;
    database.refuse("w", "UPDATE", "sheet_lines", "NEW.number = 1").await;
    let tx = db.begin().await.unwrap();
    let mut rows = Rows::<line::Entity>::lock(&tx, [key(1, 1), key(1, 2), key(1, 3)]).await.unwrap();
    let _ = rows.get_mut(&key(1, 1)).unwrap(); // taken, and left as it was
    rows.get_mut(&key(1, 2)).unwrap().amount = 5;
    rows.get_mut(&key(1, 2)).unwrap().text = line(key(1, 2), 5).text;
    assert!(rows.get_mut(&key(1, 3)).is_none());
    rows.save(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stored(&db).await, BTreeMap::from([(key(1, 1), 1), (key(1, 2), 5)]));
}

#[tokio::test]
#[should_panic(expected = "was not loaded")]
async fn a_key_that_was_not_loaded_is_a_bug() {
    let (_database, db) = open().await;
    let tx = db.begin().await.unwrap();
    let rows = Rows::<line::Entity>::lock(&tx, [key(1, 1)]).await.unwrap();
    rows.get(&key(1, 2));
}

/// What a transaction of its own says that ends with this.
async fn refused(db: &Db, end: impl AsyncFnOnce(&Tx) -> Result<(), StoreError>) -> StoreError {
    let tx = db.begin().await.unwrap();
    match end(&tx).await {
        Ok(()) => tx.commit().await.unwrap_err(),
        Err(error) => {
            tx.rollback().await.unwrap();
            error
        }
    }
}

/// A constraint that this data breaks today and tomorrow.
#[tokio::test]
async fn bad_data_is_told_from_bad_days() {
    let (_database, db) = open().await;
    let error = refused(&db, async |tx| bulk::insert::<line::Entity>(tx, vec![line(key(1, 1), -1)]).await).await;
    assert!(matches!(error, StoreError::Data(_)), "{error:?}");
    let null = || entry::Entity::update_many().col_expr(entry::Column::Text, Expr::value(Option::<String>::None));
    let error = refused(&db, async |tx| {
        bulk::insert::<entry::Entity>(tx, vec![entry::Model { id: 0, text: "a".into() }]).await?;
        tx.execute(null()).await.map(drop)
    })
    .await;
    assert!(matches!(error, StoreError::Data(_)), "{error:?}");
}

#[tokio::test]
async fn what_somebody_else_has_is_a_conflict() {
    let (_database, db) = open().await;
    let twice = [line(key(1, 1), 1), line(key(1, 1), 1)];
    let error = refused(&db, async |tx| bulk::insert::<line::Entity>(tx, twice.to_vec()).await).await;
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    let twice = ["a", "a"].map(|text| entry::Model { id: 0, text: text.into() });
    let error = refused(&db, async |tx| bulk::insert::<entry::Entity>(tx, twice.to_vec()).await).await;
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
}

#[tokio::test]
async fn what_is_closed_is_not_available() {
    let (_database, db) = open().await;
    db.clone().close().await.unwrap();
    let error = db.begin().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn every_value_comes_back_as_it_was() {
    let (_database, db) = open().await;
    let at = |text: &str| text.parse::<sea_orm::entity::prelude::DateTimeUtc>().unwrap();
    let sample = |name: &str| sample::Model {
        name: name.into(),
        id: Some(uuid::Uuid::from_u128(7)),
        at: Some(at("2026-11-21T02:20:07.123456Z")),
        yes: true,
        small: i16::MIN,
        large: i64::MAX,
        text: "größer, 大きい, 🦀".into(),
        bytes: vec![0, 1, 254, 255],
    };
    let long = "x".repeat(300_000);
    let samples = [
        sample("A"), // `a` is another
        // (MariaDB before 11.5 takes times from 2038-01-19 on for NULL: the client sends them as its type of that range.)
        sample::Model { at: Some(at("2038-01-01T00:00:00Z")), ..sample("a") },
        sample::Model { at: Some(at("1971-01-01T00:00:00.000001Z")), yes: false, large: i64::MIN, ..sample("b") },
        sample::Model { id: None, at: None, text: String::new(), bytes: vec![], ..sample("c") },
        sample::Model { text: long.clone(), bytes: long.into_bytes(), ..sample("d") },
    ];
    let tx = db.begin().await.unwrap();
    bulk::insert::<sample::Entity>(&tx, samples.to_vec()).await.unwrap();
    bulk::update::<sample::Entity>(&tx, samples.to_vec()).await.unwrap();
    tx.commit().await.unwrap();
    let tx = db.begin().await.unwrap();
    let keys = ["A", "a", "b", "c", "d", "none"].map(str::to_owned);
    let found = bulk::select::<sample::Entity>(&tx, &keys, true).await.unwrap();
    assert!(found == samples, "{:.2000}", format!("{found:?}"));
}

/// Rows come, and are locked, in the order of their keys and once each, however they are asked for.
#[tokio::test]
async fn rows_are_had_in_key_order() {
    let (_database, db) = open().await;
    let tx = db.begin().await.unwrap();
    let all: Vec<_> = [(1, 1), (1, 2), (2, 1), (10, 1)].map(|(sheet, number)| line(key(sheet, number), 3)).to_vec();
    bulk::insert::<line::Entity>(&tx, all.clone()).await.unwrap();
    let asked = [key(10, 1), key(1, 2), key(3, 3), key(1, 1), key(10, 1), key(2, 1), key(1, 2)];
    for lock in [false, true] {
        assert_eq!(bulk::select::<line::Entity>(&tx, &asked, lock).await.unwrap(), all, "locked: {lock}");
    }
}

/// Batches of several instances, with rows in common: they wait for each other, and never in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_wait_for_each_other() {
    let (_database, db) = open().await;
    let tx = db.begin().await.unwrap();
    let all: Vec<_> = (0..40).map(|n| line(key(1, n), 0)).collect();
    bulk::insert::<line::Entity>(&tx, all.clone()).await.unwrap();
    tx.commit().await.unwrap();
    let batches = (0..4_i32).map(|who| {
        let db = db.clone();
        tokio::spawn(async move {
            for round in 0..25 {
                let keys: Vec<_> = (0..20).map(|n| key(1, (n * 7 + who * 3 + round * 11) % 40)).collect();
                let tx = db.begin().await.unwrap();
                let mut rows = Rows::<line::Entity>::lock(&tx, keys.iter().copied()).await.unwrap();
                for key in &keys {
                    let row = rows.get_mut(key).unwrap();
                    *row = line(*key, row.amount + 1);
                }
                rows.save(&tx).await.unwrap();
                tx.commit().await.unwrap();
            }
        })
    });
    for batch in batches.collect::<Vec<_>>() {
        batch.await.unwrap();
    }
    assert_eq!(stored(&db).await.values().sum::<i64>(), 4 * 25 * 20, "no change is lost");
}
