//! The refusals of the extractors, each with a valid request for comparison.

use super::*;

const GOOD: &str = r#"{ "note": "hello", "items": [ { "quantity": 2 } ] }"#;
const ID: &str = "01920000-0000-7000-8000-000000000001";

#[tokio::test]
async fn a_good_body_passes() {
    let answer = send(&router(), post_json("/orders", GOOD)).await;
    assert_eq!((answer.status, answer.json()["note"].as_str()), (StatusCode::OK, Some("hello")));
    let vendor = Request::post("/orders").header("content-type", "Application/Vnd.Shop+JSON; charset=utf-8");
    assert_eq!(send(&router(), vendor.body(GOOD.into()).unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn errors_of_a_body_name_the_position() {
    for (body, field, code) in [
        ("", "", "invalid_json"),
        ("{", "", "invalid_json"),
        (r#"{ "note": "x", "items": [] } more"#, "", "invalid_json"),
        (r#"{ "note": 1, "items": [] }"#, "note", "wrong_type"),
        (r#"{ "note": "x", "items": [ { "quantity": "2" } ] }"#, "items[0].quantity", "wrong_type"),
        (r#"{ "note": "x", "items": [ { "quantity": -2 } ] }"#, "items[0].quantity", "invalid_value"),
        (r#"{ "note": "x", "items": [ { "quantity": 1 }, { } ] }"#, "items[1].quantity", "missing_field"),
        (r#"{ "note": "x", "items": [ { "quantity": 1, "colour": 2 } ] }"#, "items[0].colour", "unknown_field"),
        (r#"{ "note": "x", "items": [], "total": 1 }"#, "total", "unknown_field"),
        (r#"{ "note": "x", "note": "y", "items": [] }"#, "note", "duplicate_field"),
        ("[]", "", "invalid_value"),
    ] {
        let document = send(&router(), post_json("/orders", body)).await.problem(400, "malformed-request");
        assert_eq!(Answer::field(&document), (field.to_owned(), code.to_owned()), "{body}: {document}");
        assert!(document["line"].is_u64() && document["column"].is_u64() && document["instance"] == "/orders");
    }
}

#[tokio::test]
async fn a_deeply_nested_body_is_refused() {
    let body = format!(r#"{{ "note": {}"#, "[".repeat(100_000));
    send(&router(), post_json("/orders", body)).await.problem(400, "malformed-request");
}

#[tokio::test]
async fn a_body_may_have_256_kib_and_no_more() {
    let of = |bytes: usize| post_json("/orders", format!("{GOOD}{}", " ".repeat(bytes - GOOD.len())));
    assert_eq!(send(&router(), of(256 * 1024)).await.status, StatusCode::OK);
    send(&router(), of(256 * 1024 + 1)).await.problem(413, "body-too-large");
}

#[tokio::test]
async fn a_body_must_have_the_content_type_json() {
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("é+json…")] {
        let mut request = Request::post("/orders");
        if let Some(kind) = kind {
            request = request.header("content-type", http::HeaderValue::from_bytes(kind.as_bytes()).unwrap());
        }
        send(&router(), request.body(GOOD.into()).unwrap()).await.problem(415, "unsupported-media-type");
    }
}

#[tokio::test]
async fn all_values_out_of_range_are_reported_together() {
    let body = r#"{ "note": "", "items": [ { "quantity": 1 }, { "quantity": 11 } ] }"#;
    let document = send(&router(), post_json("/orders", body)).await.problem(422, "validation");
    let fields: Vec<_> = document["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["note", "items[1].quantity"]);
}

#[tokio::test]
async fn path_parameters_are_named_when_they_are_wrong() {
    assert_eq!(fetch(&router(), &format!("/things/{ID}")).await.text(), ID);
    assert_eq!(fetch(&router(), &format!("/pairs/{ID}/5")).await.text(), format!("{ID} 5"));
    for (path, field) in
        [("/things/7".to_owned(), "id"), (format!("/pairs/{ID}/x"), "number"), ("/pairs/x/5".into(), "id")]
    {
        let document = fetch(&router(), &path).await.problem(400, "malformed-request");
        assert_eq!(Answer::field(&document).0, field, "{document}");
    }
}

#[tokio::test]
async fn query_parameters_are_named_when_they_are_wrong() {
    assert_eq!(fetch(&router(), "/search").await.text(), "None None");
    assert_eq!(
        fetch(&router(), &format!("/search?status=a%20b&customer={ID}")).await.text(),
        format!("Some(\"a b\") Some({ID})")
    );
    for (query, field) in [("customer=7", "customer"), ("stat=x", "stat"), ("status=a&status=b", "status")] {
        let document = fetch(&router(), &format!("/search?{query}")).await.problem(400, "malformed-request");
        assert_eq!(Answer::field(&document).0, field, "{document}");
    }
}

#[tokio::test]
async fn pages_follow_each_other() {
    let first = fetch(&router(), "/list?limit=3&status=x").await.json();
    assert_eq!(first["items"], json!([1, 2, 3]));
    let second = fetch(&router(), &format!("/list?limit=3&cursor={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!(second["items"], json!([4, 5, 6]));
    let third = fetch(&router(), &format!("/list?limit=3&cursor={}", second["next"].as_str().unwrap())).await.json();
    assert_eq!(third, json!({ "items": [7], "next": null }));
    assert_eq!(fetch(&router(), "/list?limit=7").await.json()["next"], Value::Null, "just fits");
    assert_eq!(fetch(&router(), "/plain-list").await.text(), "50");
}

#[tokio::test]
async fn page_parameters_are_named_when_they_are_wrong() {
    for (query, status, slug, field) in [
        ("limit=0", 422, "validation", "limit"),
        ("limit=201", 422, "validation", "limit"),
        ("limit=-1", 422, "validation", "limit"),
        ("limit=many", 400, "malformed-request", "limit"),
        ("cursor=!!!", 400, "malformed-request", "cursor"),
        ("cursor=Int9", 400, "malformed-request", "cursor"),
        ("sort=x", 400, "malformed-request", "sort"),
    ] {
        for list in ["/list", "/plain-list"] {
            if list == "/plain-list" && field == "cursor" {
                continue; // this list ignores the cursor
            }
            let document = fetch(&router(), &format!("{list}?{query}")).await.problem(status, slug);
            assert_eq!(Answer::field(&document).0, field, "{list}?{query}: {document}");
        }
    }
    assert_eq!(fetch(&router(), "/list?limit=200").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_idempotency_key_is_needed_and_plain() {
    let with = |key: &[u8]| {
        let mut request = post_json("/keyed", GOOD);
        request.headers_mut().insert("Idempotency-Key", http::HeaderValue::from_bytes(key).unwrap());
        request
    };
    let document = send(&router(), post_json("/keyed", GOOD)).await.problem(400, "idempotency-key-missing");
    assert_eq!(Answer::field(&document).0, "Idempotency-Key");
    send(&router(), post_json("/key", "")).await.problem(400, "idempotency-key-missing");

    for bad in [&b""[..], b"a b", "schlüssel".as_bytes(), &[b'x'; 256]] {
        let document = send(&router(), with(bad)).await.problem(400, "malformed-request");
        assert_eq!(Answer::field(&document).0, "Idempotency-Key");
    }
    let mut twice = with(b"a");
    twice.headers_mut().append("Idempotency-Key", "b".parse().unwrap());
    send(&router(), twice).await.problem(400, "malformed-request");

    assert_eq!(send(&router(), with(&[b'x'; 255])).await.status, StatusCode::OK);
    let answer = send(&router(), with(b"!key~1")).await.json();
    assert_eq!(answer["key"], "!key~1");
    assert_eq!(answer["hash"], format!("{:02x?}", body_hash(GOOD.as_bytes())));
    assert_ne!(body_hash(b"a"), body_hash(b"b"));
}

#[tokio::test]
async fn versions_allow_304_and_guard_changes() {
    let ask = |method: &str, header: &str, value: &str| {
        Request::builder().method(method).uri("/version").header(header, value).body(Body::empty()).unwrap()
    };
    let whole = fetch(&router(), "/version").await;
    assert_eq!((whole.status, whole.header("etag"), whole.text()), (StatusCode::OK, Some("\"7\""), "\"seven\""));
    let known = send(&router(), ask("GET", "if-none-match", "\"7\"")).await;
    assert_eq!((known.status, known.header("etag"), known.text()), (StatusCode::NOT_MODIFIED, Some("\"7\""), ""));
    assert_eq!(send(&router(), ask("GET", "if-none-match", "\"6\"")).await.status, StatusCode::OK);
    send(&router(), ask("GET", "if-none-match", "7")).await.problem(400, "malformed-request");
    assert_eq!(send(&router(), ask("PUT", "if-match", "\"7\"")).await.status, StatusCode::OK);
    send(&router(), ask("PUT", "if-match", "\"6\"")).await.problem(412, "precondition-failed");
}

#[test]
fn everybody_may_do_everything_for_now() {
    let caller = Caller::anonymous();
    assert!(caller.may(COLD) && caller.may_see(Uuid::nil(), COLD) && caller.require(COLD).is_ok());
    assert_eq!((caller.customer(), caller.scope_key()), (None, "anonymous"));
}
