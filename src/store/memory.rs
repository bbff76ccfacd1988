//! Database in memory, for tests and for a store without a folder.

use std::collections::BTreeMap;

use super::engine::{Batch, DatabaseError, Engine, Entries, Tree, WriteError};

/// Trees in memory.
#[derive(Debug, Default, Clone)]
pub struct MemoryEngine {
    values: BTreeMap<(Tree, Vec<u8>), Vec<u8>>,
    generation: u64,
}

impl Engine for MemoryEngine {
    fn read(&self, tree: Tree) -> Result<Entries, DatabaseError> {
        let of_tree = self.values.iter().filter(|((of, _), _)| *of == tree);
        Ok(of_tree.map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&mut self, batch: &Batch, generation: u64) -> Result<(), WriteError> {
        for (tree, key, value) in batch {
            match value {
                Some(value) => self.values.insert((*tree, key.clone()), value.clone()),
                None => self.values.remove(&(*tree, key.clone())),
            };
        }
        self.generation = generation;
        Ok(())
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}
