"""What stands between the command and a server that runs: nobody else at work on the data, a database that is there, whole and of this
version. Everything that is wrong is said in one sentence (``CannotStart``), without a traceback.

Asked by ``manage.py agentos_serve`` before it migrates, and by the lifespan, whatever server runs the application (``ready.py``).
"""
