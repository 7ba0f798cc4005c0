//! What a transaction writes is on its way before anything is answered, and is answered at once. (Only what the connection knows
//! already: a statement's first time is spent on getting to know it.)

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sea_orm::{EntityTrait, sea_query::Expr};
use store::{Db, StoreError, bulk};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::rows::tables::{key, line, with_tables};

/// The statements that `write` runs, `BEGIN` and `COMMIT` among them.
const STATEMENTS: usize = 6;

/// A proxy to the server. While `said` is set, answers wait until the client has sent all statements.
struct Way {
    /// What the client has said since, by the first byte of its messages.
    said: Mutex<Option<String>>,
    open: watch::Sender<bool>,
}

impl Way {
    /// The URL that leads along it.
    async fn to(url: &str) -> (Arc<Self>, String) {
        let way = Arc::new(Self { said: Mutex::default(), open: watch::Sender::new(true) });
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

    fn close(&self) {
        *self.said.lock().unwrap() = Some(String::new());
        self.open.send_replace(false);
    }

    /// What was said since.
    fn said(&self) -> String {
        self.said.lock().unwrap().take().unwrap()
    }

    fn hear(&self, kind: u8) {
        if let Some(said) = &mut *self.said.lock().unwrap() {
            said.push(kind.into());
            if said.matches('E').count() == STATEMENTS {
                self.open.send_replace(true);
            }
        }
    }

    async fn lead(self: Arc<Self>, client: TcpStream, server: TcpStream) {
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        let says = async {
            // The first messages have no kind: their length begins with a zero, which nothing else does.
            while let Ok(kind) = from_client.read_u8().await {
                let mut message = vec![kind];
                let rest = if kind == 0 { 3 } else { 4 };
                message.resize(1 + rest, 0);
                from_client.read_exact(&mut message[1..]).await.unwrap();
                let length = u32::from_be_bytes(message[message.len() - 4..].try_into().unwrap()) as usize - 4;
                message.resize(message.len() + length, 0);
                let body = message.len() - length;
                from_client.read_exact(&mut message[body..]).await.unwrap();
                to_server.write_all(&message).await.unwrap();
                self.hear(kind);
            }
        };
        let receives = async {
            let (mut answer, mut open) = ([0; 16_384], self.open.subscribe());
            while let Ok(length @ 1..) = from_server.read(&mut answer).await {
                open.wait_for(|open| *open).await.unwrap();
                if to_client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! { () = says => {} () = receives => {} }
    }
}

/// By everything that needs no answer.
async fn write(db: &Db, amount: i64) -> Result<(), StoreError> {
    let keys = [key(1, 1), key(1, 2), key(1, 3)];
    let tx = db.begin().await?;
    bulk::insert::<line::Entity>(&tx, keys.map(|key| line(key, amount)).into()).await?;
    bulk::update::<line::Entity>(&tx, vec![line(keys[0], amount + 1)]).await?;
    tx.write(line::Entity::update_many().col_expr(line::Column::Amount, Expr::value(amount))).await?;
    bulk::remove::<line::Entity>(&tx, &keys[..2]).await?;
    tx.commit().await
}

#[tokio::test]
async fn nothing_that_is_written_waits_for_an_answer() {
    let database = with_tables().await;
    let (way, url) = Way::to(database.url()).await;
    let db = Db::open(&url, 3).await.unwrap(); // one of them for transactions
    write(&db, 1).await.unwrap();
    database.run("DELETE FROM sheet_lines").await;

    way.close();
    let written = tokio::time::timeout(Duration::from_secs(20), write(&db, 2)).await;
    assert!(matches!(written, Ok(Ok(()))), "{written:?}: the commit waits for an answer that waits for the commit");
    assert_eq!(way.said(), "BES".repeat(STATEMENTS));
    assert_eq!(database.ask::<(i64,)>("SELECT amount FROM sheet_lines"), [(2,)]);
}
