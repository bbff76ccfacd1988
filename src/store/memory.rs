//! A database that forgets, for tests and for trying things out.

use std::collections::BTreeMap;

use super::engine::{Engine, Entries, Tree, Trouble};

/// Trees in memory.
#[derive(Debug, Default)]
pub struct Memory {
    trees: BTreeMap<Tree, Entries>,
}

impl Engine for Memory {
    fn read(&self, tree: Tree) -> Result<Entries, Trouble> {
        Ok(self.trees.get(&tree).cloned().unwrap_or_default())
    }

    fn replace(&mut self, tree: Tree, entries: &Entries) -> Result<(), String> {
        let mut entries = entries.clone();
        entries.sort();
        self.trees.insert(tree, entries);
        Ok(())
    }
}
