//! The way of mirrored copies back into the pipe, which a vector can close.
//!
//! Copies pass as they come until [`MirrorGate::hold`]; then they wait in line. [`MirrorGate::order`]
//! lets in or loses the next ones: those that wait first, then those that come. What is ordered
//! first is done first.

use std::collections::VecDeque;

/// The gate, for copies of type `T`.
#[derive(Clone, Debug)]
pub(crate) struct MirrorGate<T> {
    is_holding: bool,
    held: VecDeque<T>,
    orders: VecDeque<Order>,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    action: GateAction,
    count: u64,
}

/// What happens to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GateAction {
    /// It enters the gress.
    LetIn,
    /// It is lost.
    Lose,
}

/// What happened to a copy that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Gated<T> {
    /// It enters the gress.
    In(T),
    /// It was put in line.
    Held,
    /// It is lost.
    Lost,
}

impl<T> Default for MirrorGate<T> {
    fn default() -> Self {
        Self {
            is_holding: false,
            held: VecDeque::new(),
            orders: VecDeque::new(),
        }
    }
}

impl<T> MirrorGate<T> {
    /// From now on copies wait.
    pub(crate) fn hold(&mut self) {
        self.is_holding = true;
    }

    /// From now on copies pass.
    pub(crate) fn open(&mut self) {
        self.is_holding = false;
    }

    /// Whether copies pass, however many come.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_holding && self.held.is_empty() && self.orders.is_empty()
    }

    /// How many copies wait.
    pub(crate) fn n_held(&self) -> usize {
        self.held.len()
    }

    /// Decides about a copy that comes.
    pub(crate) fn arrive(&mut self, copy: T) -> Gated<T> {
        if let Some(order) = self.orders.front_mut() {
            let action = order.action;
            order.count -= 1;
            if order.count == 0 {
                self.orders.pop_front();
            }
            return match action {
                GateAction::LetIn => Gated::In(copy),
                GateAction::Lose => Gated::Lost,
            };
        }
        if !self.is_holding {
            return Gated::In(copy);
        }
        self.held.push_back(copy);
        Gated::Held
    }

    /// Orders what happens to the next `count` copies, or to all that wait. Returns those of them
    /// that wait; copies that come will follow the rest of the order.
    pub(crate) fn order(&mut self, action: GateAction, count: Option<u64>) -> Vec<T> {
        let n_held = self.held.len() as u64;
        let now = count.unwrap_or(n_held).min(n_held);
        let taken = self
            .held
            .drain(..usize::try_from(now).unwrap_or(usize::MAX));
        let taken = taken.collect();
        let count = count.unwrap_or_default().saturating_sub(now);
        if count > 0 {
            self.orders.push_back(Order { action, count });
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_pass_unless_held() {
        let mut gate = MirrorGate::default();
        assert_eq!(gate.arrive(1), Gated::In(1));
        gate.hold();
        assert_eq!(gate.arrive(2), Gated::Held);
        assert_eq!(gate.arrive(3), Gated::Held);
        assert_eq!(gate.arrive(4), Gated::Held);
        assert_eq!(gate.order(GateAction::LetIn, Some(1)), [2]);
        assert_eq!(gate.order(GateAction::Lose, Some(1)), [3]);
        assert_eq!(gate.n_held(), 1);
        assert_eq!(gate.order(GateAction::LetIn, None), [4]);
        assert_eq!(gate.arrive(5), Gated::Held);
        gate.open();
        assert_eq!(gate.arrive(6), Gated::In(6));
    }

    #[test]
    fn orders_reach_copies_that_come_later() {
        let mut gate = MirrorGate::default();
        assert_eq!(gate.order(GateAction::Lose, Some(2)), [0; 0]);
        assert_eq!(gate.order(GateAction::LetIn, Some(1)), [0; 0]);
        gate.hold();
        assert_eq!(gate.arrive(1), Gated::Lost);
        assert_eq!(gate.arrive(2), Gated::Lost);
        assert_eq!(gate.arrive(3), Gated::In(3));
        assert_eq!(gate.arrive(4), Gated::Held);
    }
}
