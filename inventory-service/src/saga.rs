//! This service's part in the saga: the rule of `domain` that each input invokes.

use events::ReleaseReason;
use saga::{Command, Consequences, Delivery, Participant, Verdict, answer};
use uuid::Uuid;

use crate::{
    domain::{AdjustStock, ProductView, PutProduct, Stock, StockRefusal, StockRules},
    inputs::Input,
};

pub struct InventorySaga {
    pub rules: StockRules,
}

impl Participant for InventorySaga {
    const NAME: &'static str = "inventory";
    type Input = Input;
    type Workset = Stock;

    fn react(&self, stock: &mut Stock, it: &Delivery<Input>, out: &mut Consequences) -> Verdict {
        match &it.input {
            Input::OrderCreated(order) => stock.reserve(it.key, order, &self.rules, out),
            Input::OrderConfirmed => stock.commit(it.key, out),
            Input::OrderShipped => stock.ship(it.key, out),
            Input::OrderCancelled => stock.release(it.key, ReleaseReason::OrderCancelled, &self.rules, out),
            Input::PaymentFailed => stock.release(it.key, ReleaseReason::PaymentFailed, &self.rules, out),
            Input::ReservationDue => stock.expire(it.key, out),
            Input::PutProduct(command) => answer(command, stock.put(command, &self.rules, out)),
            Input::AdjustStock(command) => answer(command, stock.adjust(command, &self.rules, out)),
        }
    }
}

impl Command for PutProduct {
    type Participant = InventorySaga;
    type Reply = ProductView;
    type Refusal = StockRefusal;

    fn key(&self) -> Uuid {
        self.product_id
    }
}

impl Command for AdjustStock {
    type Participant = InventorySaga;
    type Reply = ProductView;
    type Refusal = StockRefusal;

    fn key(&self) -> Uuid {
        self.product_id
    }
}
