//! Which names a template has set where: Jinja's scopes, known from the text alone.

use std::collections::HashMap;

/// What is known of a name at a place of the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is the variable of this number.
    Bound(usize),
    /// It is set in one branch of an `if` and not in the other.
    InOneBranch,
    /// The template does not set it.
    Nowhere,
}

/// The names of one frame; `false` where only one branch sets them.
type Visible = HashMap<String, bool>;

#[derive(Debug, Default)]
struct Frame {
    visible: Visible,
    /// A name keeps its number in a frame, so that both branches of an `if` set the same variable.
    numbers: HashMap<String, usize>,
    is_loop: bool,
}

/// The frames from the outermost to the innermost: the template, then each loop and each `with`.
#[derive(Debug)]
pub(super) struct Locals {
    frames: Vec<Frame>,
    next: usize,
}

impl Default for Locals {
    fn default() -> Self {
        Self {
            frames: vec![Frame::default()],
            next: 0,
        }
    }
}

impl Locals {
    pub(super) fn enter(&mut self) {
        self.frames.push(Frame::default());
    }

    pub(super) fn enter_loop(&mut self) {
        self.frames.push(Frame {
            is_loop: true,
            ..Frame::default()
        });
    }

    pub(super) fn leave(&mut self) {
        self.frames.pop();
    }

    pub(super) fn in_loop(&self) -> bool {
        self.frames.iter().any(|frame| frame.is_loop)
    }

    /// Sets a name in the innermost frame, and gives the number of its variable.
    pub(super) fn set(&mut self, name: &str) -> usize {
        let next = self.next;
        let Some(frame) = self.frames.last_mut() else {
            return next;
        };
        frame.visible.insert(name.to_owned(), true);
        let number = *frame.numbers.entry(name.to_owned()).or_insert(next);
        if number == next {
            self.next += 1;
        }
        number
    }

    pub(super) fn find(&self, name: &str) -> Seen {
        for frame in self.frames.iter().rev() {
            match (frame.visible.get(name), frame.numbers.get(name)) {
                (Some(true), Some(number)) => return Seen::Bound(*number),
                (Some(false), _) => return Seen::InOneBranch,
                _ => {}
            }
        }
        Seen::Nowhere
    }

    /// What is visible before an `if`.
    pub(super) fn branch(&self) -> Visible {
        self.frames
            .last()
            .map(|frame| frame.visible.clone())
            .unwrap_or_default()
    }

    /// Goes back to what was visible before the `if`, and gives what the first branch made visible.
    pub(super) fn turn(&mut self, before: Visible) -> Visible {
        match self.frames.last_mut() {
            Some(frame) => std::mem::replace(&mut frame.visible, before),
            None => before,
        }
    }

    /// Leaves the second branch: what both branches set is visible, what one set is not clear.
    pub(super) fn join(&mut self, first: &Visible) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let second = std::mem::take(&mut frame.visible);
        let both = |name: &String| {
            first.get(name).copied().unwrap_or(false) && second.get(name).copied().unwrap_or(false)
        };
        frame.visible = first
            .keys()
            .chain(second.keys())
            .map(|name| (name.clone(), both(name)))
            .collect();
    }
}
