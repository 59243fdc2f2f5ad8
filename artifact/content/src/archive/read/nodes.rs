//! Which paths an archive has used so far, and as what.
//!
//! Paths are kept as 16 bytes of their SHA-256: an archive with the most and longest names that are allowed would need
//! 200 MB otherwise.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::{
    archive::{Error, MemberPath, path::shown},
    limits,
};

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Folder,
    File,
    Link,
}

#[derive(Default)]
pub(super) struct Nodes {
    seen: HashMap<[u8; 16], Node>,
    /// The folder of the last member, which is known to be fine: most members are in the folder of the one before.
    last: String,
}

impl Nodes {
    /// Adds a member and the folders above it.
    pub(super) fn add(&mut self, path: &MemberPath, node: Node) -> Result<(), Error> {
        let text = path.as_str();
        let parent = path.parent().unwrap_or_default();
        if parent != self.last {
            for (end, _) in text.match_indices('/') {
                self.insert(text.get(..end).unwrap_or_default(), Node::Folder)?;
            }
            parent.clone_into(&mut self.last);
        }
        self.insert(text, node)
    }

    fn insert(&mut self, path: &str, node: Node) -> Result<(), Error> {
        match self.seen.insert(key(path), node) {
            None => {}
            Some(Node::Folder) if node == Node::Folder => {}
            Some(found) if found == Node::Folder || node == Node::Folder => {
                return Err(Error::Conflict(shown(path.as_bytes())));
            }
            Some(_) => return Err(Error::Duplicate(shown(path.as_bytes()))),
        }
        // Folders that no member names count as well: 64 of them may stand before each file.
        let limit = 2 * limits::MEMBERS;
        if self.seen.len() as u64 > limit {
            return Err(Error::limit("the archive", "files and folders", limit));
        }
        Ok(())
    }
}

fn key(path: &str) -> [u8; 16] {
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(Sha256::digest(path.as_bytes())) {
        *to = from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add_all(members: &[(&str, Node)]) -> Result<(), Error> {
        let mut nodes = Nodes::default();
        members.iter().try_for_each(|(path, node)| nodes.add(&MemberPath::parse(path).unwrap(), *node))
    }

    #[test]
    fn nodes_tolerate_a_folder_twice() {
        add_all(&[("a", Node::Folder), ("a/b", Node::File), ("a", Node::Folder), ("a/c", Node::File)])
            .unwrap();
    }

    #[test]
    fn nodes_refuse_a_file_twice() {
        for (first, second) in [(Node::File, Node::File), (Node::File, Node::Link), (Node::Link, Node::File)]
        {
            assert!(matches!(add_all(&[("a/b", first), ("a/b", second)]), Err(Error::Duplicate(_))));
        }
    }

    #[test]
    fn nodes_refuse_a_folder_that_is_something_else() {
        for other in [Node::File, Node::Link] {
            for (first, second) in [("a", "a/b"), ("a", "a/b/c")] {
                assert!(matches!(add_all(&[(first, other), (second, Node::File)]), Err(Error::Conflict(_))));
                assert!(matches!(add_all(&[(second, Node::File), (first, other)]), Err(Error::Conflict(_))));
            }
            assert!(matches!(add_all(&[("a", Node::Folder), ("a", other)]), Err(Error::Conflict(_))));
        }
    }
}
