//! "Did you mean …?"

use super::node::quoted;

/// Names longer than this are not compared: a name that long is no slip of the pen.
const MAX_COMPARED: usize = 64;
/// How many names a message lists.
const MAX_LISTED: usize = 16;

/// The message about a name that does not exist among those that do.
pub(super) fn suggestion<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    let unknown = format!("there is no {what} {}", quoted(name));
    if let Some(meant) = nearest(name, known.clone()) {
        return format!("{unknown}; did you mean {}?", quoted(meant));
    }
    let mut names: Vec<String> = known.clone().take(MAX_LISTED).map(quoted).collect();
    let more = known.count().saturating_sub(MAX_LISTED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.is_empty() {
        true => unknown,
        false => format!("{unknown}; known here: {}", names.join(", ")),
    }
}

/// The known name that is most like this one, if any is like it at all.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let plain = plain(name);
    let allowed = (plain.len() / 3).clamp(1, 3);
    known
        .filter(|candidate| candidate.len() <= MAX_COMPARED)
        .map(|candidate| (distance(&plain, &self::plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A name without what people mix up: case, spaces, hyphens and underscores.
fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// How many letters must be put in, taken out or replaced (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, left) in a.iter().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(before);
        for (right, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(left != right);
            before = replaced.min(before + 1).min(above + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        let known = ["minimum", "maximum", "minLength", "maxLength", "required", "unique"];
        for (slip, meant) in [
            ("minmum", Some("minimum")),
            ("max_length", Some("maxLength")),
            ("Required", Some("required")),
            ("requierd", Some("required")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(slip, known.into_iter()), meant, "{slip}");
        }
        assert_eq!(nearest(&"a".repeat(100_000), known.into_iter()), None);
    }

    #[test]
    fn what_is_known_is_listed_when_nothing_is_near() {
        assert_eq!(
            suggestion("field", "colour", ["a", "b"].into_iter()),
            "there is no field \"colour\"; known here: \"a\", \"b\""
        );
    }
}
