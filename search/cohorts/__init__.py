"""Cohorts: rules that choose studies, a design that draws from them, frozen lists, what changed, and exports."""
