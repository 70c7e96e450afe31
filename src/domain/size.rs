//! How large things get in an event, and how to cut what is too large: a payload is at most 256 KiB.

use super::Attrs;
use super::flake::Input;
use super::lock::{LockNode, NodeChange, PathChange};

/// How much of a list one event may carry, in bytes of text; leaves room for old and new in one payload.
pub const PART_BYTES: usize = 96 * 1024;

/// Cuts a list into runs of at most [`PART_BYTES`] each; one item alone may be larger.
pub fn split<T>(items: Vec<T>, bytes: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut runs: Vec<Vec<T>> = Vec::new();
    let mut used = 0;
    for item in items {
        let size = bytes(&item);
        match runs.last_mut() {
            Some(run) if used + size <= PART_BYTES => {
                run.push(item);
                used += size;
            }
            _ => {
                runs.push(vec![item]);
                used = size;
            }
        }
    }
    runs
}

/// What a text takes in JSON, with quotes and a comma.
pub fn text_bytes(text: &str) -> usize {
    let one = |c: char| match c {
        '"' | '\\' => 2,
        c if c.is_control() => 6,
        c => c.len_utf8(),
    };
    text.chars().map(one).sum::<usize>() + 3
}

/// The size of a change of one input path.
pub fn path_change_bytes(change: &PathChange) -> usize {
    change.input.len() + change.node.len() + attrs_bytes(change.from.as_ref()) + attrs_bytes(change.to.as_ref())
}

/// The size of a change of one node.
pub fn node_change_bytes(change: &NodeChange) -> usize {
    change.key.len() + change.from.as_ref().map_or(0, node_bytes) + change.to.as_ref().map_or(0, node_bytes)
}

/// The size of one lock node.
pub fn node_bytes(node: &LockNode) -> usize {
    let edges: usize = node.inputs.keys().map(|name| name.len() + 48).sum();
    64 + edges + attrs_bytes(node.locked.as_ref()) + attrs_bytes(node.original.as_ref())
}

/// The size of one declared input.
pub fn input_bytes(input: &Input) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let overrides: usize =
        input.overrides.iter().map(|(path, over)| 48 + path.len() + text(&over.url) + text(&over.follows)).sum();
    96 + input.name.len() + text(&input.url) + attrs_bytes(input.attrs.as_ref()) + overrides
}

fn attrs_bytes(attrs: Option<&Attrs>) -> usize {
    attrs.map_or(0, |attrs| attrs.iter().map(|(name, value)| name.len() + 6 + value.to_string().len()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_hold_what_fits_and_lose_nothing() {
        let runs = split(vec![PART_BYTES, 1, PART_BYTES - 1, 1, 2 * PART_BYTES], |size| *size);
        assert_eq!(runs, [vec![PART_BYTES], vec![1, PART_BYTES - 1], vec![1], vec![2 * PART_BYTES]]);
    }
}
