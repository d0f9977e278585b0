"""How opens and clicks become durable: a queue, one transaction per batch, and a spool for when that does not come."""
