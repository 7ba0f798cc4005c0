//! Which known name an unknown one may have meant.

/// Why a name is refused, with the nearest known one.
pub(super) fn unknown(what: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    let nearest = known.map(|candidate| (distance(name, &candidate), candidate)).min();
    match nearest {
        Some((distance, candidate)) if distance <= 3 => format!("unknown {what}; did you mean {candidate}?"),
        _ => format!("unknown {what}"),
    }
}

/// Levenshtein distance: the number of characters to insert, delete or change.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
