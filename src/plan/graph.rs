//! The order of steps: edges between names, a topological order, and the path of a cycle where there is one.

use std::collections::{BTreeMap, BTreeSet};

/// A directed graph over `0..len` whose edges mean "must come before".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    after: Vec<BTreeSet<usize>>,
}

impl Graph {
    /// A graph of `len` nodes without edges.
    pub fn new(len: usize) -> Self {
        Self {
            after: vec![BTreeSet::new(); len],
        }
    }

    /// Says that `before` must come before `after`; saying it twice changes nothing.
    pub fn edge(&mut self, before: usize, after: usize) {
        self.after[before].insert(after);
    }

    /// All nodes, each behind everything it waits for; among free nodes the smaller number first.
    ///
    /// # Errors
    /// The nodes of one cycle, in the direction of its edges; the first node is not repeated at the end.
    pub fn order(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut waiting: Vec<usize> = vec![0; self.after.len()];
        for next in self.after.iter().flatten() {
            waiting[*next] += 1;
        }
        let mut free: BTreeSet<usize> =
            (0..self.after.len()).filter(|n| waiting[*n] == 0).collect();
        let mut order = Vec::with_capacity(self.after.len());
        while let Some(node) = free.pop_first() {
            order.push(node);
            for next in &self.after[node] {
                waiting[*next] -= 1;
                if waiting[*next] == 0 {
                    free.insert(*next);
                }
            }
        }
        if order.len() == self.after.len() {
            Ok(order)
        } else {
            Err(self.cycle(&waiting))
        }
    }

    /// How many edges the longest path to each node has: nodes of one wave do not wait for each other.
    ///
    /// `order` must come from [`Graph::order`].
    pub fn waves(&self, order: &[usize]) -> BTreeMap<usize, usize> {
        let mut waves: BTreeMap<usize, usize> = order.iter().map(|node| (*node, 0)).collect();
        for node in order {
            let next_wave = waves[node] + 1;
            for next in &self.after[*node] {
                let wave = waves.entry(*next).or_default();
                *wave = next_wave.max(*wave);
            }
        }
        waves
    }

    /// Walks backwards from any node that still waits: inside the leftover every node has a leftover
    /// predecessor, so the walk must meet itself.
    fn cycle(&self, waiting: &[usize]) -> Vec<usize> {
        let stuck = |node: usize| waiting[node] > 0;
        let Some(mut node) = (0..waiting.len()).find(|node| stuck(*node)) else {
            return Vec::new();
        };
        let mut path: Vec<usize> = Vec::new();
        loop {
            if let Some(seen) = path.iter().position(|earlier| *earlier == node) {
                let mut cycle = path.split_off(seen);
                cycle.reverse();
                let smallest = cycle
                    .iter()
                    .enumerate()
                    .min_by_key(|(_, n)| **n)
                    .map_or(0, |(i, _)| i);
                cycle.rotate_left(smallest);
                return cycle;
            }
            path.push(node);
            let before = (0..waiting.len()).find(|n| stuck(*n) && self.after[*n].contains(&node));
            match before {
                Some(before) => node = before,
                None => return path,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(len: usize, edges: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new(len);
        for (before, after) in edges {
            graph.edge(*before, *after);
        }
        graph
    }

    #[test]
    fn nodes_without_edges_keep_their_order() {
        assert_eq!(graph(3, &[]).order(), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn a_node_comes_behind_everything_it_waits_for() {
        assert_eq!(
            graph(4, &[(3, 0), (0, 2), (1, 2)]).order(),
            Ok(vec![1, 3, 0, 2])
        );
    }

    #[test]
    fn waves_count_the_longest_path() {
        let graph = graph(4, &[(0, 1), (1, 2), (0, 2)]);
        let waves = graph.waves(&graph.order().unwrap());
        assert_eq!(waves.into_values().collect::<Vec<_>>(), vec![0, 1, 2, 0]);
    }

    #[test]
    fn a_cycle_is_told_in_the_direction_of_its_edges() {
        assert_eq!(
            graph(5, &[(4, 1), (1, 2), (2, 3), (3, 1), (3, 0)]).order(),
            Err(vec![1, 2, 3])
        );
        assert_eq!(graph(1, &[(0, 0)]).order(), Err(vec![0]));
    }

    proptest! {
        #[test]
        fn an_order_respects_every_edge_and_a_cycle_is_one(
            len in 1usize..12,
            edges in proptest::collection::vec((0usize..12, 0usize..12), 0..24),
        ) {
            let edges: Vec<_> = edges.into_iter().map(|(a, b)| (a % len, b % len)).collect();
            let graph = graph(len, &edges);
            match graph.order() {
                Ok(order) => {
                    prop_assert_eq!(order.len(), len);
                    let place = |node| order.iter().position(|n| *n == node);
                    for (before, after) in edges {
                        prop_assert!(place(before) < place(after));
                    }
                }
                Err(cycle) => {
                    for (i, node) in cycle.iter().enumerate() {
                        let next = cycle[(i + 1) % cycle.len()];
                        prop_assert!(edges.contains(&(*node, next)));
                    }
                }
            }
        }
    }
}
