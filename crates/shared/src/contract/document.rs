//! From bytes to a JSON value.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::node::{Problems, member, quoted};
use super::{BrokenContract, MAX_BYTES, Problem};

/// Reads a JSON document.
///
/// A key that stands twice in one object is refused: JSON readers silently disagree on which one counts.
pub(super) fn read(bytes: &[u8]) -> Result<Value, BrokenContract> {
    let whole =
        |message: String| BrokenContract { problems: vec![Problem { pointer: String::new(), message }] };
    if bytes.len() > MAX_BYTES {
        return Err(whole(format!(
            "the contract has {} bytes: at most {MAX_BYTES} are allowed",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        whole(format!("the contract is not UTF-8 from byte {} on", error.valid_up_to() + 1))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text)
        .map_err(|error| whole(format!("the contract is not JSON: {error}; write one JSON object")))?;
    let problems = Problems::default();
    let seed = Keys { pointer: String::new(), problems: &problems };
    // The document was read once already, so this cannot fail.
    let _ = seed.deserialize(&mut serde_json::Deserializer::from_str(text));
    let problems = problems.in_order_of(&value);
    if problems.is_empty() { Ok(value) } else { Err(BrokenContract { problems }) }
}

/// Walks through a document for its keys only.
struct Keys<'p> {
    pointer: String,
    problems: &'p Problems,
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let pointer = member(&self.pointer, &key);
            if seen.contains(&key) {
                let message = format!("the key {} stands here twice: keep one of them", quoted(&key));
                self.problems.add(&pointer, message);
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Keys { pointer, problems: self.problems })?;
            }
            seen.insert(key);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        let item =
            |index: usize| Keys { pointer: format!("{}/{index}", self.pointer), problems: self.problems };
        while items.next_element_seed(item(index))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
