//! What a transaction writes is on its way before anything is answered. (Only what the connection knows already: a statement's
//! first time is spent on getting to know it.)

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use platform::{Db, StoreError, bulk};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::database::Database;

mod note {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "notes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub number: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A way to the server. Once that is asked for, its answers wait until the client has said `COMMIT`.
#[derive(Default)]
struct Way {
    holds: AtomicBool,
    committed: Notify,
}

impl Way {
    /// The URL that leads along it.
    async fn to(url: &str) -> (Arc<Self>, String) {
        let way = Arc::new(Self::default());
        let server = url.split(['@', '/']).nth(3).unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let through = url.replace(&server, &listener.local_addr().unwrap().to_string());
        let all = way.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(all.clone().lead(client, server));
            }
        });
        (way, through)
    }

    async fn lead(self: Arc<Self>, client: TcpStream, server: TcpStream) {
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        let says = async {
            let mut said = [0; 16_384];
            while let Ok(length @ 1..) = from_client.read(&mut said).await {
                if said[..length].windows(6).any(|it| it == b"COMMIT") && self.holds.swap(false, Ordering::SeqCst) {
                    self.committed.notify_one();
                }
                to_server.write_all(&said[..length]).await.unwrap();
            }
        };
        let hears = async {
            let mut answer = [0; 16_384];
            while let Ok(length @ 1..) = from_server.read(&mut answer).await {
                if self.holds.load(Ordering::SeqCst) {
                    self.committed.notified().await;
                }
                if to_client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! { () = says => {} () = hears => {} }
    }
}

fn note(id: u128, number: i64) -> note::Model {
    note::Model { id: uuid::Uuid::from_u128(id), number }
}

/// One of everything that is written.
async fn write(db: &Db, number: i64) -> Result<(), StoreError> {
    let (first, second) = (note(1, number), note(2, number));
    let tx = db.begin().await?;
    bulk::insert::<note::Entity>(&tx, vec![first.clone(), second.clone()]).await?;
    bulk::update::<note::Entity>(&tx, vec![note(1, number + 1)]).await?;
    bulk::remove_each::<note::Entity>(&tx, &[first.id]).await?;
    bulk::remove::<note::Entity>(&tx, &[second.id]).await?;
    bulk::insert::<note::Entity>(&tx, vec![note(3, number)]).await?;
    bulk::remove::<note::Entity>(&tx, &[note(3, 0).id]).await?;
    tx.commit().await
}

#[tokio::test]
async fn nothing_that_is_written_waits_for_an_answer() {
    let database = Database::new();
    database.run("CREATE TABLE notes (id uuid PRIMARY KEY, number bigint NOT NULL)").await;
    let (way, url) = Way::to(database.url()).await;
    let db = Db::open(&url, 3).await.unwrap(); // one of them for transactions
    write(&db, 1).await.unwrap();

    way.holds.store(true, Ordering::SeqCst);
    let written = tokio::time::timeout(Duration::from_secs(20), write(&db, 2)).await;
    assert!(matches!(written, Ok(Ok(()))), "{written:?}: the commit waits for an answer that waits for the commit");
    assert_eq!(database.count("SELECT count(*) FROM notes"), 0);
}
