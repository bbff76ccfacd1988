//! A database that forgets, for tests and for trying things out.

use std::collections::BTreeMap;

use super::engine::{Engine, Entries, Tree, Trouble};

/// Trees in memory.
#[derive(Debug, Default)]
pub struct Memory {
    trees: BTreeMap<Tree, Entries>,
    generation: u64,
}

impl Engine for Memory {
    fn read(&self, tree: Tree) -> Result<Entries, Trouble> {
        Ok(self.trees.get(&tree).cloned().unwrap_or_default())
    }

    fn replace(&mut self, tree: Tree, entries: &Entries, generation: u64) -> Result<(), String> {
        self.generation = generation;
        let mut entries = entries.clone();
        entries.sort();
        self.trees.insert(tree, entries);
        Ok(())
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}
