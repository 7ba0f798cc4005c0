//! Content negotiation of reports (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};
use web::{FieldError, Problem};

use crate::http::NOT_ACCEPTABLE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Csv,
}

/// The preferred type; JSON when both are preferred equally, or without a preference.
pub fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let mut ranges = Vec::new();
    for value in headers.get_all(header::ACCEPT) {
        let value = value.to_str().map_err(|_| malformed())?;
        for range in value.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            ranges.push(Range::read(range).ok_or_else(malformed)?);
        }
    }
    if ranges.is_empty() {
        return Ok(Form::Json);
    }
    match (quality(&ranges, "application", "json"), quality(&ranges, "text", "csv")) {
        (0, 0) => Err(Problem::new(&NOT_ACCEPTABLE).detail("a report is available as application/json and text/csv")),
        (json, csv) if csv > json => Ok(Form::Csv),
        _ => Ok(Form::Json),
    }
}

fn malformed() -> Problem {
    Problem::malformed("the header Accept cannot be read").error(FieldError::new(
        "Accept",
        "invalid_header",
        "must be media types such as text/csv",
    ))
}

struct Range {
    kind: String,
    subtype: String,
    /// In thousandths.
    quality: u32,
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
        if !is_token(kind) || !is_token(subtype) || (kind == "*" && subtype != "*") {
            return None;
        }
        let mut quality = 1000;
        for parameter in parts {
            if let Some((name, value)) = parameter.split_once('=')
                && name.eq_ignore_ascii_case("q")
            {
                quality = thousandths(value)?;
            }
        }
        Some(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), quality })
    }

    /// Specificity of the match; `None`: no match.
    fn names(&self, kind: &str, subtype: &str) -> Option<u8> {
        match (self.kind == kind, self.subtype == subtype) {
            (true, true) => Some(2),
            (true, false) if self.subtype == "*" => Some(1),
            _ if self.kind == "*" => Some(0),
            _ => None,
        }
    }
}

/// `0`, `1`, or one of them with up to three decimals.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    let value = format!("{whole}{decimals:0<3}").parse().ok()?;
    (digits && matches!(whole, "0" | "1") && value <= 1000).then_some(value)
}

/// The quality of the most specific range that matches the type.
fn quality(ranges: &[Range], kind: &str, subtype: &str) -> u32 {
    let named = ranges.iter().filter_map(|range| Some((range.names(kind, subtype)?, range.quality)));
    named.max().map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header};
    use rstest::rstest;

    use super::{Form, form};

    fn accept(value: &str) -> Result<Form, u16> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]);
        form(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[rstest]
    #[case("text/csv", Ok(Form::Csv))]
    #[case("Text/CSV; header=present", Ok(Form::Csv))]
    #[case("application/json", Ok(Form::Json))]
    #[case("*/*", Ok(Form::Json))]
    #[case("", Ok(Form::Json))]
    #[case("text/csv, */*;q=0.1", Ok(Form::Csv))]
    #[case("text/*, application/json;q=0.9", Ok(Form::Csv))]
    #[case("application/json;q=0, */*", Ok(Form::Csv))]
    #[case("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Ok(Form::Json))]
    #[case("application/pdf", Err(406))]
    #[case("text/csv;q=0", Err(406))]
    #[case("text", Err(400))]
    #[case("*/csv", Err(400))]
    #[case("text/csv;q=2", Err(400))]
    fn the_preferred_form(#[case] value: &str, #[case] preferred: Result<Form, u16>) {
        assert_eq!(accept(value), preferred);
    }

    #[test]
    fn json_is_the_default() {
        assert_eq!(form(&HeaderMap::new()).unwrap(), Form::Json);
    }
}
