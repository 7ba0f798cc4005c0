//! Kills a real process while it appends.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Arc,
};

use bus::{
    Bus,
    embedded::{EmbeddedLog, EmbeddedOptions},
};
use clock::Clock;

use super::helpers::*;

/// The child process of the test below, not a test. Reads the path of a log from standard input, appends until it is
/// killed, and prints each acknowledged number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by `acknowledged_survives_kill_9`"]
async fn appends_until_it_is_killed() {
    let path = std::io::stdin().lines().next();
    let Some(Ok(path)) = path.filter(|path| path.as_ref().is_ok_and(|path| !path.is_empty())) else { return };
    let log = EmbeddedLog::open(path.as_ref(), EmbeddedOptions::default(), Clock::system()).unwrap();
    let topic: Arc<str> = "a".into();
    create(&log, std::slice::from_ref(&topic)).await;
    let start = usize::try_from(lag(&log, "nobody", std::slice::from_ref(&topic)).await).unwrap();
    for number in start..100_000 {
        publish(&log, numbered(&topic, number..number + 1)).await;
        writeln!(std::io::stdout(), "acknowledged {number}").unwrap(); // the test harness captures println
    }
}

#[tokio::test]
async fn acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "kill::appends_until_it_is_killed"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = None;
        let mut note = |line: std::io::Result<String>| {
            // The last line can be incomplete, and the test harness writes into the first.
            if let Some((_, number)) = line.unwrap_or_default().split_once("acknowledged ") {
                acknowledged = number.parse::<usize>().ok().max(acknowledged);
            }
        };
        lines.by_ref().take(40).for_each(&mut note);
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(note);
        let acknowledged = acknowledged.expect("something was acknowledged before the kill");

        let log = EmbeddedLog::open(&path, EmbeddedOptions::default(), Clock::system()).unwrap();
        let group = format!("round {round}");
        let count = usize::try_from(lag(&log, &group, &["a".into()]).await).unwrap();
        assert!(count > acknowledged, "{count} records, {acknowledged} acknowledged");
        let mut member = log.subscribe(&group, &["a".into()]).await.unwrap();
        assert_eq!(numbers(&take(&mut *member, count).await), list(0..count));
        drop(member);
        log.close().await;
    }
}
