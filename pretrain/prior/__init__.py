"""The synthetic prior: made-up relational histories, read through the features the proxy computes."""
