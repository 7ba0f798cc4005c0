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
use sea_orm::{EntityTrait, sea_query::Expr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::rows::tables::{key, line, with_tables};

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

/// By everything that needs no answer.
async fn write(db: &Db, amount: i64) -> Result<(), StoreError> {
    let keys = [key(1, 1), key(1, 2), key(1, 3)];
    let tx = db.begin().await?;
    bulk::insert::<line::Entity>(&tx, keys.map(|key| line(key, amount)).into()).await?;
    bulk::update::<line::Entity>(&tx, vec![line(keys[0], amount + 1)]).await?;
    tx.write(line::Entity::update_many().col_expr(line::Column::Amount, Expr::value(amount))).await?;
    bulk::remove_each::<line::Entity>(&tx, &keys[..1]).await?;
    bulk::remove::<line::Entity>(&tx, &keys[1..2]).await?;
    tx.commit().await
}

#[tokio::test]
async fn nothing_that_is_written_waits_for_an_answer() {
    let database = with_tables().await;
    let (way, url) = Way::to(database.url()).await;
    let db = Db::open(&url, 3).await.unwrap(); // one of them for transactions
    write(&db, 1).await.unwrap();
    database.run("DELETE FROM sheet_lines").await;

    way.holds.store(true, Ordering::SeqCst);
    let written = tokio::time::timeout(Duration::from_secs(20), write(&db, 2)).await;
    assert!(matches!(written, Ok(Ok(()))), "{written:?}: the commit waits for an answer that waits for the commit");
    assert_eq!(database.ask::<(i64,)>("SELECT amount FROM sheet_lines"), [(2,)]);
}
