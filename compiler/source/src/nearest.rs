//! What was meant: the known name that is nearest to one that is not known.

/// How many candidates are looked at: suggestions are a courtesy and may not take long.
const MAX_CANDIDATES: usize = 2_000;
/// Longer names than this are not mistyped, but generated.
const MAX_LENGTH: usize = 60;

/// The candidate that `word` is probably a misspelling of, or `None` when none is near enough: a
/// third of its characters may be wrong. A difference of case alone is the nearest; of equally near
/// candidates the first is taken.
///
/// ```
/// use p4rmt_source::nearest;
///
/// assert_eq!(nearest("tll", ["src", "ttl", "dst"]), Some("ttl"));
/// assert_eq!(nearest("ipv4_lmp", ["ipv4_lpm", "ipv6_lpm"]), Some("ipv4_lpm"));
/// assert_eq!(nearest("x", ["y", "z"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length == 0 || length > MAX_LENGTH {
        return None;
    }
    let allowed = length.div_ceil(3).min(if length == 1 { 0 } else { length });
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().take(MAX_CANDIDATES) {
        if candidate == word || candidate.chars().count() > MAX_LENGTH {
            continue;
        }
        let distance = if candidate.eq_ignore_ascii_case(word) {
            0
        } else {
            strsim::osa_distance(word, candidate)
        };
        let is_near = distance == 0 || distance <= allowed;
        if is_near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The help that goes with [`nearest`], where there is something near: ``did you mean `ttl`?``.
#[must_use]
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, candidates: &[&str], expected: Option<&str>) {
        assert_eq!(nearest(word, candidates.iter().copied()), expected);
    }

    #[test]
    fn swapped_missing_and_extra_letters_are_near() {
        check("etherent", &["ipv4", "ethernet"], Some("ethernet"));
        check("protcol", &["protocol"], Some("protocol"));
        check("srcc", &["dst", "src"], Some("src"));
    }

    #[test]
    fn case_alone_is_nearest() {
        check("noaction", &["no_action", "NoAction"], Some("NoAction"));
        check("X", &["y", "x"], Some("x"));
    }

    #[test]
    fn what_is_far_is_not_meant() {
        check("ttl", &["version", "identification"], None);
        check("a", &["b"], None);
        check("", &["a"], None);
        check(&"a".repeat(61), &["a"], None);
    }

    #[test]
    fn word_itself_is_no_suggestion() {
        check("port", &["port"], None);
    }

    #[test]
    fn help_names_it() {
        assert_eq!(
            did_you_mean("tll", ["ttl"]).as_deref(),
            Some("did you mean `ttl`?")
        );
        assert_eq!(did_you_mean("tll", ["identification"]), None);
    }
}
