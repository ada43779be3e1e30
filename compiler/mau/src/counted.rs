//! Numbers with what they count, for messages: `1 hash bit`, `2 hash bits`.

/// A number and what it counts, given in the plural. The head of the phrase is its first word that ends
/// like a plural.
///
/// ```
/// use p4rmt_mau::counted::counted;
///
/// assert_eq!(counted(2_u32, "search buses"), "2 search buses");
/// assert_eq!(counted(1_u32, "search buses"), "1 search bus");
/// assert_eq!(counted(1_u32, "bytes of the action data bus"), "1 byte of the action data bus");
/// ```
#[must_use]
pub fn counted(n: impl Into<u64>, plural: &str) -> String {
    let n = n.into();
    if n != 1 {
        return format!("{n} {plural}");
    }
    let mut is_done = false;
    let words = plural.split(' ').map(|word| {
        let one = singular(word).filter(|_| !is_done);
        is_done |= one.is_some();
        one.unwrap_or_else(|| word.to_owned())
    });
    format!("{n} {}", words.collect::<Vec<String>>().join(" "))
}

/// One of what a word means more of.
fn singular(word: &str) -> Option<String> {
    let stem = word.strip_suffix('s')?;
    if let Some(stem) = word.strip_suffix("ies") {
        return Some(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix("uses") {
        return Some(format!("{stem}us"));
    }
    let is_plural = !stem.ends_with(['s', 'u', 'i']);
    is_plural.then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Resource;

    #[test]
    fn one_of_each_resource_is_said_in_the_singular() {
        let said: Vec<String> = Resource::ALL
            .into_iter()
            .map(|of| counted(1_u32, of.words()))
            .collect();
        let expected = [
            "1 logical table",
            "1 SRAM block",
            "1 TCAM block",
            "1 map RAM block",
            "1 gateway",
            "1 stateful and meter ALU",
            "1 counter ALU",
            "1 byte of the exact match crossbar",
            "1 byte of the ternary match crossbar",
            "1 hash bit",
            "1 hash distribution unit",
            "1 instruction row",
            "1 hash function",
            "1 search bus",
            "1 result bus",
            "1 table in TCAM",
            "1 ternary result bus",
            "1 byte of the action data bus",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn the_head_of_a_phrase_changes_and_nothing_else() {
        assert_eq!(counted(1_u32, "entries"), "1 entry");
        assert_eq!(counted(1_u64, "kinds of digests"), "1 kind of digests");
        assert_eq!(counted(0_u32, "stages"), "0 stages");
    }
}
