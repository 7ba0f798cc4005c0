//! The commented texts that declare settings, and the reference made from them.

use std::time::Duration;

use settings::{DEFAULTS, DurationRange, Loader, Span, reference};

use super::{SHOP, refused};

#[test]
fn default_texts_must_document_themselves() {
    let cases = [
        ("[a]\nb = 1\n", "a.b (default): a setting has a comment above it that says what it means"),
        ("# What.\nb = 1\n", "b (default): a setting belongs into a [section]"),
        ("[http]\n# What.\nb = 1\n", "http.b (default): section [http] has been declared before"),
        ("[a]\n# What.\nb = 1979-05-27\n", "a.b (default): a setting cannot be a date"),
        ("[a]\n# What.\nb = [1]\n", "a.b (default): a list holds texts only"),
        ("[a]\n# What.\n# At least 2.\nb = 1\n", "a.b (default): expected a whole number of at least 2, found 1"),
        ("[a]\n# What.\n# One of: x, y.\nb = \"z\"\n", "a.b (default): expected one of x, y, found \"z\""),
        ("[a]\n# What.\nb_c = 1\n# What.\nb.c = 1\n", "a.b.c (default): shares the variable UZON_A_B_C with a.b_c"),
    ];
    for (text, message) in cases {
        assert_eq!(refused(Loader::new().defaults(text)), [message], "{text}");
    }
}

#[test]
fn durations_are_read_and_written() {
    for (text, millis) in
        [("0s", 0), ("500ms", 500), ("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("1d", 86_400_000)]
    {
        let span: Span = text.parse().unwrap();
        assert_eq!((span.duration().as_millis(), span.to_string().as_str()), (millis, text));
    }
    assert_eq!("120m".parse::<Span>().unwrap().to_string(), "2h");
    for text in ["", "5", "s", "-1s", "1.5s", "1 s", "1S", "1w", "36501d", "99999999999999999999s", "1h30m"] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
    let range: DurationRange = "100ms..500ms".parse().unwrap();
    assert_eq!(
        (range.at(0.0), range.at(0.5), range.at(1.0)),
        (Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(500))
    );
    for text in ["", "..", "1s..", "..1s", "2s..1s", "1s...2s"] {
        assert!(text.parse::<DurationRange>().is_err(), "{text}");
    }
}

#[test]
fn the_reference_names_type_limits_and_variable() {
    let text = reference(&[DEFAULTS, SHOP]).unwrap();
    for line in [
        "## `[sandbox.carrier]`\n\nThe pretended carrier.\n\n| key |",
        "| `deadline` | An order that is not settled by then is cancelled. | duration, at least 1s | `\"30m\"` | `UZON_ORDER_DEADLINE` |",
        "| `webhook_key` | Signs webhooks. | text, secret | `\"\"` | `UZON_ORDER_WEBHOOK_KEY` |",
        "| `error_rate` | Share of bookings that fail. | number, 0 … 1 | `0.1` | `UZON_SANDBOX_CARRIER_ERROR_RATE` |",
    ] {
        assert!(text.contains(line), "{line}\nis not in\n{text}");
    }
}
