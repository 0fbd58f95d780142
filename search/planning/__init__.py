"""From the line that was typed to one `QueryPlan`, before anything is looked for."""
