"""What is known of each copy of a reply, and the badge that sums it up."""
