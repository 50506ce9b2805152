"""One module per DVC stage, each also a script: `python -m stages.NAME`. Nothing imports a stage."""
