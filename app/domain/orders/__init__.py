"""Review of orders before they are signed: the same facts and rules as the plan, another door."""
