//! What a node keeps from one input to the next, counted: a leak is what only ever grows.

/// What a node keeps, store by store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    stores: Vec<Store>,
}

/// One store of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// What is in it, for people: `bindings`.
    pub what: &'static str,
    /// How many there are.
    pub count: usize,
    /// How many there may ever be; `None` where that is its own user's affair.
    pub most: Option<usize>,
    /// What ends the stay of each.
    pub ends: Ends,
}

/// What ends the stay of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// A deadline, whatever happens or does not.
    InTime,
    /// Whoever needs the room: what is old or over goes when there is no other, and not before.
    ForRoom,
}

impl Held {
    /// Notes a store whose entries end in time.
    pub(crate) fn in_time(
        &mut self,
        what: &'static str,
        count: usize,
        most: impl Into<Option<usize>>,
    ) {
        self.stores.push(Store { what, count, most: most.into(), ends: Ends::InTime });
    }

    /// Notes a store whose entries stay until room is needed.
    pub(crate) fn for_room(&mut self, what: &'static str, count: usize, most: usize) {
        self.stores.push(Store { what, count, most: Some(most), ends: Ends::ForRoom });
    }

    /// The stores, in no order that means anything.
    pub fn stores(&self) -> impl Iterator<Item = &Store> {
        self.stores.iter()
    }
}
